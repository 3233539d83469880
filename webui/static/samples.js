// A sample picture was chosen.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-sample]");
  if (!button) return;
  window.whetstone?.busy();
  trigger("select", { index: Number(button.dataset.sample) });
});
