/** One instruction of the classic Berkeley Packet Filter: code, jump if true, jump if false, constant. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;
const SECCOMP_RET_KILL_PROCESS = 0x80000000;

/** Where `struct seccomp_data` has what a filter looks at; both architectures are little-endian. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

export const loadNumber: Instruction = [LOAD_WORD, 0, 0, NUMBER_OFFSET];
export const loadArch: Instruction = [LOAD_WORD, 0, 0, ARCH_OFFSET];
/** The low 32 bits of an argument: all that the kernel reads of an int. */
export const loadArgument = (index: number): Instruction => [LOAD_WORD, 0, 0, argumentOffset(index)];
/** The other 32 bits, which count where the kernel reads a pointer. */
export const loadUpperArgument = (index: number): Instruction => [LOAD_WORD, 0, 0, argumentOffset(index) + 4];
export const allow: Instruction = [RETURN, 0, 0, SECCOMP_RET_ALLOW];
export const kill: Instruction = [RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS];
export const refuse = (errno: number): Instruction => [RETURN, 0, 0, SECCOMP_RET_ERRNO | errno];
/** The call returns 0, which is success for what returns no value, and the kernel does nothing. */
export const doNothing: Instruction = [RETURN, 0, 0, SECCOMP_RET_ERRNO];

/** Runs `block`, which must end with a return, when the loaded word equals `value`; otherwise goes on after it. */
export const whenEqual = (value: number, block: readonly Instruction[]): Instruction[] => [
  [JUMP_EQUAL, 0, block.length, value],
  ...block,
];

/** As {@link whenEqual}, when the loaded word is another. */
export const unlessEqual = (value: number, block: readonly Instruction[]): Instruction[] => [
  [JUMP_EQUAL, block.length, 0, value],
  ...block,
];

/** As {@link whenEqual}, when the loaded word is greater. */
export const whenGreater = (value: number, block: readonly Instruction[]): Instruction[] => [
  [JUMP_GREATER, 0, block.length, value],
  ...block,
];

/** As {@link whenEqual}, when the loaded word has one of the bits. */
export const whenAnyBit = (bits: number, block: readonly Instruction[]): Instruction[] => [
  [JUMP_ANY_BIT, 0, block.length, bits],
  ...block,
];

/** The program as the kernel takes it: an array of `struct sock_filter`. */
export function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, constant]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(constant >>> 0, index * 8 + 4);
  }
  return bytes;
}
