/** A stack trace taken apart line by line, so that the frames of the user's own code stand out. */

export type StackLineKind = "frame" | "library" | "code" | "mark" | "error" | "text";

export interface StackLine {
  kind: StackLineKind;
  text: string;
}

const PYTHON_FRAME = /^\s*File "([^"]+)", line \d+/;
const OTHER_FRAME = /^\s*at\s+\S/;
/** Where installed code lives: Python's packages and its own library, Node's modules. */
const LIBRARY = /site-packages|dist-packages|\/lib\/python\d|<frozen|node_modules|node:internal/;
const ERROR = /^\s*(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Group|Exit|Interrupt|Warning)?\b(?::|$)/;

export function stackLines(trace: string): StackLine[] {
  let isLibrary = false;
  return trace
    .replace(/\s+$/, "")
    .split("\n")
    .map((text) => {
      const frame = PYTHON_FRAME.exec(text);
      if (frame ?? OTHER_FRAME.test(text)) isLibrary = LIBRARY.test(text);
      return { kind: kindOf(text, frame !== null, isLibrary), text };
    });
}

function kindOf(text: string, isFrame: boolean, isLibrary: boolean): StackLineKind {
  if (isFrame || OTHER_FRAME.test(text)) return isLibrary ? "library" : "frame";
  if (/^\s+[\^~]+\s*$/.test(text)) return "mark";
  if (/^ {4,}\S/.test(text)) return isLibrary ? "library" : "code";
  return ERROR.test(text) || /^[\w.]+: \S/.test(text) ? "error" : "text";
}
