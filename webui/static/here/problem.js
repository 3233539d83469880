// What a visitor can do something about: its message is one line that says so.
export class Problem extends Error {
  name = "Problem";
}

// A file of the page. hash: as Subresource Integrity writes it, or null; missing: what to do when it is not there.
export async function fetchFile(address, hash, missing) {
  const lacks = ({ status }) => new Problem(`The file ${nameOf(address)} is missing (status ${status}). ${missing}`);
  let answer;
  try {
    answer = await fetch(address, hash ? { integrity: hash } : {});
  } catch {
    const there = await fetch(address, { method: "HEAD" }).catch(() => null); // a hash fails on an error's page, too
    if (there?.ok === false) throw lacks(there);
    throw new Problem(`${nameOf(address)} could not be loaded whole. Check the connection, then reload the page.`);
  }
  if (!answer.ok) throw lacks(answer);
  return answer;
}

const nameOf = (address) => new URL(address).pathname.split("/").pop();
