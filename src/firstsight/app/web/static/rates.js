// The slider of the page Model: what each strictness costs, read from the table beneath it.

export function startRates() {
  document.addEventListener("htmx:afterSwap", (event) => {
    const rates = event.detail.target.querySelector("[data-rates]");
    if (!rates) return;
    const slider = rates.querySelector('input[type="range"]');
    const rows = [...rates.querySelectorAll("tr[data-share]")];
    const show = () => {
      const { dataset } = rows[slider.value];
      for (const key of ["share", "misses", "threshold"]) {
        rates.querySelector(`[data-say="${key}"]`).textContent = dataset[key];
      }
      slider.setAttribute("aria-valuetext", `${dataset.share}, ${dataset.misses} missed`);
      rows.forEach((row, number) => row.classList.toggle("is-chosen", number === Number(slider.value)));
    };
    slider.addEventListener("input", show);
    show();
  });
}
