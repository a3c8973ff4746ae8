// Dark or light before the first paint: what the user chose here last, else what the system says.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("wirespan.theme");
  } catch {
    // Storage is off: the system's theme it is.
  }
  const isLight = chosen ? chosen === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = isLight ? "light" : "dark";
})();
