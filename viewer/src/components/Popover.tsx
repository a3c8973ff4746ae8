/** A button that opens a box under it. Esc and a press elsewhere close it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon.tsx";

interface PopoverProps {
  label: string;
  icon?: IconName;
  /** What the button shows beside its icon; the label when there is none. */
  text?: string;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, icon, text, children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const close = (): void => setOpen(false);
  useEffect(() => {
    if (!isOpen) return;
    const pressed = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) close();
    };
    document.addEventListener("pointerdown", pressed);
    return () => document.removeEventListener("pointerdown", pressed);
  }, [isOpen]);
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    close();
    box.current?.querySelector("button")?.focus();
  };
  return (
    <div ref={box} class="popover" onKeyDown={keyed}>
      <button type="button" class="button" aria-expanded={isOpen} aria-label={text ? `${label}: ${text}` : label} onClick={() => setOpen(!isOpen)}>
        {icon && <Icon name={icon} size={14} />}
        <span>{text ?? label}</span>
        <Icon name="down" size={12} />
      </button>
      {isOpen && <div class="popover-box">{children(close)}</div>}
    </div>
  );
}
