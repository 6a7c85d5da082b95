document.title = "pages";
