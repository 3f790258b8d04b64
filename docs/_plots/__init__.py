"""The plots of the site, one module a page: what is computed, and how it is drawn."""
