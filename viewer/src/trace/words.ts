/** OTLP's numbers of severity in words. */

/** The name of a log's severity, OTLP's number 1 to 24. */
export function severityWord(severity: number, text: string | null): string {
  if (text) return text;
  return ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.floor((severity - 1) / 4)] ?? "LOG";
}

/** How a log looks: errors and warnings stand out. */
export function severityLook(severity: number): "bad" | "warn" | "plain" {
  if (severity >= 17) return "bad";
  return severity >= 13 ? "warn" : "plain";
}
