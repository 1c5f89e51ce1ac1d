import { render } from "preact";
import { Router } from "wouter";
import { App } from "./app/app.tsx";
import { useGuardedLocation } from "./leaving/location.ts";

render(
  <Router hook={useGuardedLocation}>
    <App />
  </Router>,
  document.getElementById("app")!,
);
