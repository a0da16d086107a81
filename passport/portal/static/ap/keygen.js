// Makes an agent's key in the browser. The private key goes into a file of the user's and nowhere
// else; only the public part is put into the form. Ed25519, or P-256 where the browser has no Ed25519.
(() => {
  "use strict";
  const panel = document.getElementById("keygen");
  if (!panel || !window.crypto?.subtle) return;

  const ALGORITHMS = [{ name: "Ed25519" }, { name: "ECDSA", namedCurve: "P-256" }];
  const PUBLIC = ["kty", "crv", "x", "y"];
  const make = panel.querySelector("[data-make]");
  const made = panel.querySelector("[data-made]");
  const saved = panel.querySelector("[data-saved]");
  const link = panel.querySelector("[data-download]");
  const shown = panel.querySelector("[data-thumbprint]");
  const form = document.getElementById(panel.dataset.form);
  const field = form.querySelector("[name=jwk]");
  const submit = form.querySelector("[data-next]");

  const pick = (jwk, names) => Object.fromEntries(names.filter((name) => name in jwk).map((name) => [name, jwk[name]]));

  const generate = async () => {
    for (const algorithm of ALGORITHMS) {
      try {
        return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      } catch (failure) {
        if (failure.name !== "NotSupportedError") throw failure;
      }
    }
    throw new Error("no algorithm");
  };

  // RFC 7638: the members that the key's type requires, sorted, without spaces.
  const thumbprint = async (jwk) => {
    const members = pick(jwk, [...PUBLIC].sort());
    const sorted = Object.fromEntries(Object.keys(members).sort().map((name) => [name, members[name]]));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(sorted)));
    return btoa(String.fromCharCode(...new Uint8Array(digest))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  };

  panel.hidden = false;

  make.addEventListener("click", async () => {
    const pair = await generate();
    const whole = await crypto.subtle.exportKey("jwk", pair.privateKey);
    const print = await thumbprint(whole);
    const file = new Blob([JSON.stringify({ ...pick(whole, [...PUBLIC, "d"]), kid: print }, null, 2) + "\n"], {
      type: "application/json",
    });
    if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(file);
    link.download = "agent-key.json";
    shown.textContent = print;
    field.value = JSON.stringify({ ...pick(whole, PUBLIC), kid: print }, null, 2);
    made.hidden = false;
    saved.checked = false;
    submit.disabled = true;
    link.focus();
  });

  // Who made a key here goes on only after saying that the file is kept: we have no copy.
  saved.addEventListener("change", () => {
    submit.disabled = !saved.checked;
  });
  field.addEventListener("input", () => {
    made.hidden = true;
    submit.disabled = false;
  });
})();
