"""Where the lines of a page may break: printed sentences, formulas with a comma, options with their dashes."""

import pytest
from line_breaks import marked

FORMULA = '<span class="math notranslate nohighlight">\\(x\\)</span>'


def printed(text: str, more: str = "") -> str:
    inside = f'<div class="highlight"><pre><span></span>{text}\n</pre></div></div>'
    return f'<div class="output stream {more}highlight-myst-ansi notranslate">{inside}'


@pytest.mark.parametrize(
    "text", ["one sentence, however long", "two\nlines", "blanks at the end  ", "<b>in</b> colour"]
)
def test_printed_sentences_are_marked(text):
    assert marked(printed(text)) == printed(text, "sentences ")


@pytest.mark.parametrize("text", ["a    1.0\nbb   2.0", "def f():\n    return 1", "  indented", "a  <b>1.0</b>"])
def test_columns_and_code_keep_their_lines(text):
    assert marked(printed(text)) == printed(text)


def test_every_output_is_judged_by_itself():
    assert marked(printed("a  1") + printed("word")) == printed("a  1") + printed("word", "sentences ")


@pytest.mark.parametrize("stop", [",", ".", ")", "),"])
def test_a_stop_stays_with_its_formula(stop):
    assert marked(f"<p>{FORMULA}{stop} and</p>") == f'<p><span class="unbroken">{FORMULA}{stop}</span> and</p>'


def test_a_formula_before_a_word_may_stand_alone():
    assert marked(f"<p>{FORMULA} and</p>") == f"<p>{FORMULA} and</p>"


def test_the_dashes_stay_with_the_name_of_an_option():
    assert marked('<span class="pre">--photos</span>') == '<span class="pre unbroken">--photos</span>'


@pytest.mark.parametrize("word", ["book/make_picture.py", "--" + "long" * 9])
def test_long_words_may_break(word):
    assert marked(f'<span class="pre">{word}</span>') == f'<span class="pre">{word}</span>'
