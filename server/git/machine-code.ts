// Tells programs in machine code or byte code by their first bytes. Nobody can review them.

/** Bytes that are looked at. */
export const machineCodeHead = 4096;

const magics: readonly { readonly name: string; readonly bytes: readonly number[] }[] = [
  { name: 'an ELF program or library', bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { name: 'a Mach-O program or library', bytes: [0xcf, 0xfa, 0xed, 0xfe] },
  { name: 'a Mach-O program or library', bytes: [0xce, 0xfa, 0xed, 0xfe] },
  { name: 'WebAssembly', bytes: [0x00, 0x61, 0x73, 0x6d] },
  { name: 'Android byte code', bytes: [0x64, 0x65, 0x78, 0x0a] },
];

/** What the content is, in words, or undefined where it is no machine code. `head` is the beginning of the file. */
export function machineCode(head: Uint8Array): string | undefined {
  const known = magics.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte));
  if (known !== undefined) return known.name;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length >= 8 && view.getUint32(0) === 0xcafebabe) {
    // The same magic: a class file has its version next (45 and more), a fat Mach-O the count of its parts.
    return view.getUint32(4) >= 45 ? 'Java byte code' : 'a Mach-O program or library';
  }
  return isPortableExecutable(head, view) ? 'a Windows program or library' : undefined;
}

/** PE Format, "MS-DOS Stub": the offset of the signature stands at 0x3c. */
function isPortableExecutable(head: Uint8Array, view: DataView): boolean {
  if (head.length < 0x40 || head[0] !== 0x4d || head[1] !== 0x5a) return false;
  const at = view.getUint32(0x3c, true);
  return at + 4 <= head.length && view.getUint32(at) === 0x50450000;
}
