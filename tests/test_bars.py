"""Executed notebooks show results and warnings, not how far a training was at some moment."""
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tcnsc_lib.report.bars import WIDGET, still

BAR = ("\rtraining:  50%|#####     | 1/2 [00:01<00:01,  1.0it/s]"
       "\rtraining: 100%|##########| 2/2 [00:02<00:00]\n")
VIEW = {WIDGET: {"model_id": "0"}, "text/plain": "0%| widget"}


def executed(*outputs: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell with these, after the preprocessor."""
    cells = [new_markdown_cell("words"), new_code_cell("x", outputs=list(outputs))]
    notebook, _ = still(new_notebook(cells=cells, metadata={"widgets": {"state": {}}}), {})
    assert "widgets" not in notebook.metadata
    return notebook.cells[1].outputs


def test_bars_and_widgets_go():
    assert executed(new_output("stream", name="stderr", text=BAR),
                    new_output("stream", name="stderr", text=f"\x1b[A{BAR}"),
                    new_output("display_data", VIEW)) == []


def test_a_warning_between_bars_stays():
    (output,) = executed(new_output("stream", name="stderr", text=BAR + "a warning\n" + BAR))
    assert output.text.strip() == "a warning"


def test_results_stay_as_they_are():
    shown = [new_output("stream", name="stdout", text="10%| of them\n"),
             new_output("stream", name="stderr", text="95 % of 3 [cores]\n"),
             new_output("execute_result", {"text/html": "<b>1</b>", "text/plain": "1"})]
    assert executed(*shown) == shown


def test_of_a_widget_with_a_picture_the_picture_stays():
    (output,) = executed(new_output("display_data", VIEW | {"image/png": "aaaa"}))
    assert "image/png" in output.data and WIDGET not in output.data
