"use client";
import { useState } from "react";

export default function Page() {
  const [count, setCount] = useState(0);
  return <main><h1>Next says 1</h1><button onClick={() => setCount(count + 1)}>{count}</button></main>;
}
