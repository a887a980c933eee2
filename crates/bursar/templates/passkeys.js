// Asks the browser for a passkey, puts its answer into the form and sends that. The questions and all words are in the page.
"use strict";
(() => {
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  const create = async (question) => {
    const named = (entry) => ({ ...entry, id: toBytes(entry.id) });
    const publicKey = {
      ...question,
      challenge: toBytes(question.challenge),
      user: { ...question.user, id: new TextEncoder().encode(question.user.id) },
      excludeCredentials: question.excludeCredentials.map(named),
    };
    const { response } = await navigator.credentials.create({ publicKey });
    return { client_data: toText(response.clientDataJSON), attestation: toText(response.attestationObject) };
  };

  const get = async (question) => {
    const publicKey = { ...question, challenge: toBytes(question.challenge) };
    const { rawId, response } = await navigator.credentials.get({ publicKey });
    return {
      credential: toText(rawId),
      client_data: toText(response.clientDataJSON),
      authenticator_data: toText(response.authenticatorData),
      signature: toText(response.signature),
      user_handle: response.userHandle ? toText(response.userHandle) : "",
    };
  };

  // The browser's own names for what goes wrong, and the page's words for it.
  const words = { NotAllowedError: "cancelled", AbortError: "cancelled", SecurityError: "elsewhere", InvalidStateError: "known" };

  const tell = (form, word) => {
    for (const told of form.querySelectorAll("[data-told]")) told.hidden = told.dataset.told !== word;
  };

  const submit = async (form) => {
    tell(form, "");
    const question = JSON.parse(form.dataset.question);
    try {
      const answer = await (form.dataset.passkey === "create" ? create(question) : get(question));
      for (const [name, value] of Object.entries(answer)) form.elements[name].value = value;
    } catch (error) {
      tell(form, words[error.name] ?? "failed");
      return;
    }
    form.submit();
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    form.hidden = false;
    for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(form);
    });
  }
})();
