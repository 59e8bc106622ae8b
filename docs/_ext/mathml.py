"""Formulas as MathML, written by docutils when the pages are built: every browser shows them, without a network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def formula(node: nodes.Node, as_block: bool) -> str:
    """The MathML of a formula; one that cannot be read is a warning."""
    try:
        return str(tex2mathml(node.astext().replace("'", r"^{\prime}"), as_block=as_block))
    except MathError as error:
        logger.warning("formula %r: %s", node.astext(), error, location=node)
        return node.astext()


def inline(self: Any, node: nodes.Node) -> None:
    """$...$."""
    self.body.append(formula(node, as_block=False))
    raise nodes.SkipNode


def block(self: Any, node: nodes.Node) -> None:
    """$$...$$."""
    self.body.append(f'<div class="math">{formula(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx; html_math_renderer picks the only one there is."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
