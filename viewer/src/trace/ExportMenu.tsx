/** The whole trace as JSON, HAR or OTLP: to the clipboard or as a file. */

import { fetchText, traceExportAddress, type ExportFormat } from "../api.ts";
import { CopyButton } from "../components/CopyButton.tsx";
import { Icon } from "../components/Icon.tsx";
import { Popover } from "../components/Popover.tsx";

const FORMATS: readonly { format: ExportFormat; label: string; hint: string }[] = [
  { format: "json", label: "JSON", hint: "as this page has it" },
  { format: "har", label: "HAR", hint: "for browsers' network panels" },
  { format: "otlp", label: "OTLP", hint: "for any OpenTelemetry backend" },
];

export function ExportMenu({ traceId }: { traceId: string }) {
  return (
    <Popover label="Export" icon="download">
      {() => (
        <ul class="trace-export">
          {FORMATS.map(({ format, label, hint }) => {
            const address = traceExportAddress(traceId, format);
            return (
              <li key={format}>
                <span>
                  {label} <span class="dim">{hint}</span>
                </span>
                <CopyButton label={`Copy as ${label}`} text={() => fetchText(address)} />
                <a class="icon-button" href={address} download={`trace-${traceId}.${format === "har" ? "har" : "json"}`} aria-label={`Download as ${label}`} title={`Download as ${label}`}>
                  <Icon name="download" size={14} />
                </a>
              </li>
            );
          })}
        </ul>
      )}
    </Popover>
  );
}
