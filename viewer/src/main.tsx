import { render } from "preact";
import { App } from "./App.tsx";
import { startKeyboard } from "./keyboard.ts";
import { startRouter } from "./router.ts";
import { startStatus } from "./status.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/components.css";
import "./styles/live.css";
import "./styles/start.css";

startRouter();
startKeyboard();
startStatus();

const root = document.getElementById("app");
if (root) render(<App />, root);
