/** The commands of a printed kit, found in its Markdown as somebody would read them. */
export interface PrintedScript {
  /** The heading over it. */
  readonly about: string;
  /** The place it is of; absent for what comes before all of them. */
  readonly place?: string;
  readonly script: string;
}

export function scriptsIn(markdown: string): PrintedScript[] {
  const found: PrintedScript[] = [];
  let about = "";
  let place: string | undefined;
  let fence: string | undefined;
  let lines: string[] = [];
  for (const line of markdown.split("\n")) {
    if (fence !== undefined) {
      if (line === fence) {
        // what checks a fingerprint has words to be put in
        if (about !== "") found.push({ about, ...(place !== undefined && { place }), script: lines.join("\n") });
        fence = undefined;
      } else lines.push(line);
      continue;
    }
    const opening = /^(`{3,})sh$/.exec(line)?.[1];
    if (opening !== undefined) {
      fence = opening;
      lines = [];
    }
    const heading = /^#{3,4} (.*)$/.exec(line)?.[1];
    if (heading !== undefined) about = heading.replace(/\\(.)/g, "$1");
    place = /^### [\d.]+ `+ ?(.*?) ?`+ \(/.exec(line)?.[1] ?? place;
  }
  return found;
}
