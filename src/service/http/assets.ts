import { ASSET_HASH, dashboardCss, dashboardJs, iconSvg } from "./generated/assets.ts";

/** What the page loads besides itself. The name holds a hash of the contents: it can be kept for ever. */
export const STYLE = `/assets/dashboard-${ASSET_HASH}.css`;
export const SCRIPT = `/assets/dashboard-${ASSET_HASH}.js`;
export const ICON = `/assets/icon-${ASSET_HASH}.svg`;

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const headers = { "Cache-Control": "public, max-age=31536000, immutable" };

export const ASSETS: readonly Asset[] = [
  { path: STYLE, type: "text/css; charset=utf-8", body: dashboardCss, headers },
  { path: SCRIPT, type: "text/javascript; charset=utf-8", body: dashboardJs, headers },
  { path: ICON, type: "image/svg+xml", body: iconSvg, headers },
];
