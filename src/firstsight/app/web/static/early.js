// Before anything is drawn: what needs scripts shows, what replaces them does not.
document.documentElement.classList.add("js");
