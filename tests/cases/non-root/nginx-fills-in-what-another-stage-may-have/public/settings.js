window.settings = {};
