"""The diagrams of the site, drawn from descriptions of the models that they show.

``svg`` has the strokes and ``labels`` the mathematics in them; every other module draws a family
of pictures and holds one `Picture` for each. ``_extensions/figures.py`` puts them into pages.
"""
