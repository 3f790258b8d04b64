// The reader's choice of colour scheme, before the page is drawn.
document.body.dataset.theme = localStorage.getItem("theme") || "auto";
