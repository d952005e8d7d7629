/** For paper first: black on white, A4, nothing torn apart that belongs together; long commands wrap with an indent. */
export const STYLE = `
@page { size: A4; margin: 15mm 15mm 17mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #555; } }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #e9ebee; color: #16181d; font: 10pt/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 210mm; margin: 8mm auto; padding: 14mm 15mm; background: #fff; box-shadow: 0 1px 6px #0003; }
h1 { margin: 0 0 1mm; font-size: 21pt; line-height: 1.15; letter-spacing: -.01em; }
h2 { margin: 8mm 0 2mm; padding-bottom: 1mm; border-bottom: .5mm solid #16181d; font-size: 13.5pt; line-height: 1.2; }
h3 { margin: 6mm 0 1.5mm; font-size: 11.5pt; line-height: 1.25; }
h4 { margin: 3.5mm 0 1mm; font-size: 10pt; line-height: 1.3; overflow-wrap: anywhere; }
h1, h2, h3, h4 { break-after: avoid; }
p { margin: 0 0 2mm; max-width: 165mm; }
ul { margin: 0 0 2mm; padding-left: 5mm; }
li { margin-bottom: .8mm; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace; font-size: .87em; }
p code, li code, td code { overflow-wrap: anywhere; }
h3 code { font-size: 1em; }
pre { margin: 0 0 2.5mm; padding: 2mm 3mm; border: .25mm solid #c3c8d0; border-left: 1mm solid #16181d; background: #f6f7f9; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; break-inside: avoid; }
pre code { display: inline-block; width: 100%; min-height: 1.45em; padding-left: 2.4em; text-indent: -2.4em; font-size: 8.6pt; }
pre span { display: inline-block; max-width: 100%; text-indent: 0; }
h3 + p, h4 + p, p:has(+ pre) { break-after: avoid; }
table { width: 100%; margin: 0 0 3mm; border-collapse: collapse; }
td, th { padding: 1.1mm 2.5mm 1.1mm 0; border-bottom: .2mm solid #d7dbe1; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead { display: table-header-group; }
thead th { border-bottom: .4mm solid #16181d; font-size: 8.5pt; font-weight: 600; white-space: nowrap; }
td { font-size: 9pt; }
tr { break-inside: avoid; }
.facts { margin-top: 3mm; }
.facts th { width: 24mm; font-size: 9pt; font-weight: 600; }
aside { margin: 4mm 0; padding: 2.5mm 4mm 1.5mm; border: .6mm solid #a4161a; break-inside: avoid; }
aside p { margin-bottom: 1mm; color: #a4161a; }
@media print { body { background: #fff; } main { max-width: none; margin: 0; padding: 0; box-shadow: none; } pre { print-color-adjust: exact; } }
`;
