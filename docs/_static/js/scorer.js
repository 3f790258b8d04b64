// How the search ranks pages: chapters and entries of statements first, the API and sources last.
var Scorer = {
  score: ([docname, , , , score]) => score - (/^(api|source|CHANGELOG)/.test(docname) ? 100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// A word of one letter stands on most pages: where it is a symbol, the formulas are what is looked for.
var splitQuery = (query) => query.match(/[\p{L}\p{N}_]{2,}/gu) ?? [];

// What is found in pages stands below the formulas.
Documentation.TRANSLATIONS["Search Results"] = "Pages";
