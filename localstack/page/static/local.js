// What only this machine's page can ask: its own data, one action, and a token for the API.

export async function get(path) {
  return read(await fetch(path));
}

export async function post(path) {
  const token = document.querySelector('meta[name="page-token"]').content;
  return read(await fetch(path, { method: "POST", headers: { "x-page-token": token } }));
}

// Kept in memory only, and asked for again a minute before it ends or when the API does not take it.
let known = null;

export async function apiToken(renew = false) {
  if (renew || known === null || known.ends < Date.now() + 60_000) {
    const { token, seconds } = await post("token");
    known = { token, ends: Date.now() + seconds * 1000 };
  }
  return known.token;
}

async function read(response) {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}
