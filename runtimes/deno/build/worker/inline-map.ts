/** Appends the source map of a module, by which stacks show the lines of the posted file. */
export function withInlineMap(code: Uint8Array, mapJson: string): Buffer {
  const data = Buffer.from(mapJson).toString("base64");
  const comment = `\n//# sourceMappingURL=data:application/json;base64,${data}\n`;
  return Buffer.concat([withoutEndingSpace(code), Buffer.from(comment)]);
}

function withoutEndingSpace(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && [0x20, 0x0a, 0x0d, 0x09].includes(bytes[end - 1]!)) end--;
  return bytes.subarray(0, end);
}
