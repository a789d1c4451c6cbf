// The API's description in Swagger UI, which is another's and comes from a pinned package.

const ROOT = new URL("../../", import.meta.url); // page/<digest>/docs.js lies under it
const KEY = "api-key"; // as in shell.js: whoever comes from the page need not enter it again
const SCHEME = "apiKey"; // of the document

const form = document.getElementById("ask");
const input = document.getElementById("key");
const refused = document.getElementById("refused");

async function open(key) {
  const answer = await fetch(new URL("openapi.json", ROOT), { headers: key ? { "x-api-key": key } : {}, cache: "no-store" })
    .catch(() => null);
  if (!answer?.ok) {
    sessionStorage.removeItem(KEY);
    const isKey = answer?.status === 401 || answer?.status === 403;
    return ask(isKey ? "The key is not valid, or not any more." : `The service gave no description (${answer?.status ?? "no answer"}).`);
  }
  if (key) sessionStorage.setItem(KEY, key);
  const spec = await answer.json();
  spec.servers = [{ url: ROOT.href.replace(/\/$/, "") }]; // "." in the document: not every client resolves it alike
  document.title = `${spec.info.title}: API`;
  form.hidden = true;
  const ui = globalThis.SwaggerUIBundle({
    spec,
    domNode: document.getElementById("swagger"),
    onComplete: () => key && ui.preauthorizeApiKey(SCHEME, key),
  });
}

function ask(message) {
  refused.textContent = message;
  refused.hidden = !message;
  form.hidden = false;
  input.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  open(input.value.trim());
});

const kept = document.documentElement.dataset.keys === "off" ? "" : sessionStorage.getItem(KEY);
if (kept !== null) open(kept);
else ask("");
