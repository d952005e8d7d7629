import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Server } from "./servers.ts";

export interface S3Key {
  readonly id: string;
  readonly key: string;
}

/**
 * As much of S3 as restic asks for, for whoever signs with this key: Debian has no S3 server, and leaves `serve s3` out of
 * its rclone. `s3:http://127.0.0.1:PORT/fleet/NAME` is kept at `FOLDER/fleet/NAME`.
 */
export async function startS3(key: S3Key): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "s3-"));
  mkdirSync(join(folder, "fleet"));
  const server = http.createServer((request, response) => {
    answer(folder, key, request, response).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") refuse(response, 404, "NoSuchKey");
      else refuse(response, 500, "InternalError", error.message);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    folder,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answer(folder: string, key: S3Key, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url ?? "", "http://localhost");
  const fault = faultIn(request, url, key);
  if (fault !== undefined) return refuse(response, 403, fault);
  const file = join(folder, decodeURIComponent(url.pathname));
  if (url.searchParams.has("location")) return xml(response, "<LocationConstraint></LocationConstraint>");
  if (/^\/[^/]+\/?$/.test(url.pathname)) {
    if (request.method === "GET") return list(file, url.searchParams, response);
    return existsSync(file) ? void response.writeHead(200).end() : refuse(response, 404, "NoSuchBucket");
  }
  switch (request.method) {
    case "PUT":
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.part`, contentOf(Buffer.concat(chunks), request));
      renameSync(`${file}.part`, file);
      return void response.writeHead(200, { etag: '"0"' }).end();
    case "DELETE":
      rmSync(file, { force: true });
      return void response.writeHead(204).end();
    default:
      return read(file, request, response);
  }
}

/** What is sent in signed pieces: `SIZE;chunk-signature=…`, then so many bytes, each on lines of their own. */
function contentOf(body: Buffer, { headers }: IncomingMessage): Buffer {
  if (!headers["x-amz-content-sha256"]?.includes("STREAMING")) return body;
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const start = body.indexOf("\r\n", at) + 2;
    const size = Number.parseInt(body.toString("latin1", at, start), 16);
    if (size === 0) break;
    pieces.push(body.subarray(start, start + size));
    at = start + size + 2;
  }
  return Buffer.concat(pieces);
}

function read(file: string, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const found = statSync(file);
  if (found.isDirectory()) {
    refuse(response, 404, "NoSuchKey");
    return;
  }
  const { size, mtime } = found;
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
  const [start, end] = [Number(from), Math.min(to === "" ? size : Number(to) + 1, size)];
  response.writeHead(headers.range === undefined ? 200 : 206, {
    etag: '"0"',
    "last-modified": mtime.toUTCString(),
    "content-length": end - start,
    "content-range": `bytes ${start}-${end - 1}/${size}`,
  });
  response.end(method === "HEAD" ? undefined : readFileSync(file).subarray(start, end));
}

function list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
  const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""];
  const folder = join(bucket, dirname(`${prefix}x`));
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const keys = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(bucket, join(entry.parentPath, entry.name)))
    .filter((key) => key.startsWith(prefix));
  const isBelow = (key: string): boolean => delimiter !== "" && key.slice(prefix.length).includes(delimiter);
  const below = keys.filter(isBelow).map((key) => key.slice(0, key.indexOf(delimiter, prefix.length) + 1));
  const contents = keys
    .filter((key) => !isBelow(key))
    .map((key) => {
      const { size, mtime } = statSync(join(bucket, key));
      return `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>"0"</ETag><LastModified>${mtime.toISOString()}</LastModified></Contents>`;
    });
  const folders = [...new Set(below)].map((key) => `<CommonPrefixes><Prefix>${key}</Prefix></CommonPrefixes>`);
  const found = [...contents, ...folders].join("");
  xml(response, `<ListBucketResult><IsTruncated>false</IsTruncated>${found}</ListBucketResult>`);
}

const xml = (response: ServerResponse, text: string, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${text}`);
const refuse = (response: ServerResponse, status: number, code: string, message = code): void =>
  xml(response, `<Error><Code>${code}</Code><Message>${message}</Message></Error>`, status);

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** What is wrong with a signature (version 4). */
function faultIn({ method, headers }: IncomingMessage, url: URL, { id, key }: S3Key): string | undefined {
  const signed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
      headers.authorization ?? "",
    );
  if (signed === null) return "AccessDenied";
  const [, who, day = "", region = "", names = "", signature] = signed;
  if (who !== id) return "InvalidAccessKeyId";
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join("&");
  const values = names.split(";").map((name) => `${name}:${headers[name]}\n`);
  const canonical = [method, url.pathname, query, values.join(""), names, headers["x-amz-content-sha256"]].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const signing = [day, region, "s3", "aws4_request"].reduce<Buffer | string>(hmac, `AWS4${key}`);
  return hmac(signing, text).toString("hex") === signature ? undefined : "SignatureDoesNotMatch";
}
