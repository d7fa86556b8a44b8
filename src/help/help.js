// What the help centre does where scripts run: buttons that copy a value. All else works without.
"use strict";

function copied(button) {
  const words = button.textContent;
  button.classList.add("done");
  button.textContent = "✓";
  setTimeout(() => {
    button.classList.remove("done");
    button.textContent = words;
  }, 1500);
}

/** For browsers that have no clipboard for us: the value is selected, to be copied by hand. */
function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const button of document.querySelectorAll("button.copy")) {
  const of = button.dataset.copyOf;
  const source = of ? document.getElementById(of) : button.previousElementSibling;
  const name = button.closest("li, tr")?.querySelector(".name, th")?.textContent;
  if (name) button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(of ? source.textContent : button.dataset.copy);
      copied(button);
    } catch {
      select(source);
    }
  });
}

// A failure that the address names by its step is in a list that is folded.
function unfold() {
  const part = document.getElementById(location.hash.slice(1));
  if (part instanceof HTMLDetailsElement) part.open = true;
}
addEventListener("hashchange", unfold);
// On paper nothing can be unfolded.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) folded.open = true;
});
unfold();
