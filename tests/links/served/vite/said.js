export const said = "Vite says 1";
export const show = (text) => (document.getElementById("said").textContent = text);
show(said);
if (import.meta.hot) import.meta.hot.accept((newer) => newer.show(newer.said));
