"""`./dagnix bench`."""

from rich.table import Table

from dagnix import console, images, measure, project


def command() -> None:
    """Print speed and size figures beside their goals; takes some minutes.

    The stack that runs is left alone: a second one, named …-bench, is started and removed. The cold
    build uses a Nix store of its own in .dagnix, about 2 GiB, which is removed afterwards.
    """
    here = project.current()
    layouts = images.build(here)
    images.load(here, layouts)
    figures = [
        *measure.sizes(layouts),
        measure.no_change(here),
        measure.start(here),
        *measure.reload(here),
        *measure.cold_build(here),
    ]
    table = Table(box=None, pad_edge=False)
    for title in ("FIGURE", "MEASURED", "GOAL", "OF GOAL", "HOW"):
        table.add_column(title)
    for figure in figures:
        goal = f"{figure.goal:g} {figure.unit}" if figure.goal else ""
        share = f"{figure.value / figure.goal:.0%}" if figure.goal else ""
        colour = "red" if figure.goal and figure.value > figure.goal else "green"
        measured = f"[{colour}]{figure.value:.2f} {figure.unit}[/]"
        table.add_row(figure.name, measured, goal, share, figure.how)
    console.out.print(table)
