import { expect, test } from "vitest";
import type { Diagnostic } from "../../src/model/diagnostic.ts";
import { renderDiagnostics } from "../../src/render/diagnostics.ts";

const place = (line: number, column: number) => ({ file: "holdfast.yaml", line, column });
const plain = { color: false } as const;

test("an error with place, caret and help", () => {
  const diagnostic: Diagnostic = {
    severity: "error",
    code: "unknown-key",
    message: "unknown key reccursive",
    hint: "did you mean recursive?",
    place: place(12, 5),
    excerpt: { text: "    reccursive: true", column: 5, length: 10 },
    related: [{ place: place(3, 1), message: "the entry starts here" }],
  };
  expect(renderDiagnostics([diagnostic], plain)).toBe(
    `error: unknown key reccursive
  --> holdfast.yaml:12:5
   |
12 |     reccursive: true
   |     ^^^^^^^^^^
   = the entry starts here: holdfast.yaml:3:1
   = help: did you mean recursive?

1 error
`,
  );
});

test("errors and warnings are counted; a warning without a place is one line", () => {
  const text = renderDiagnostics(
    [
      { severity: "error", code: "a", message: "first" },
      { severity: "error", code: "a", message: "second" },
      { severity: "warning", code: "b", message: "third" },
    ],
    plain,
  );
  expect(text).toBe("error: first\n\nerror: second\n\nwarning: third\n\n2 errors, 1 warning\n");
});

test("the caret stands under what is meant, also after tabs and control characters", () => {
  const text = "\t\u0007key: 1";
  const lines = renderDiagnostics(
    [{ severity: "error", code: "a", message: "no", place: place(1, 3), excerpt: { text, column: 3, length: 3 } }],
    plain,
  ).split("\n");
  const [shown = "", caret = ""] = lines.slice(3, 5);
  expect(shown.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe("key");
});

test("nothing to say is nothing said", () => {
  expect(renderDiagnostics([], plain)).toBe("");
});
