
for (const tools of document.querySelectorAll(".tools")) {
  const rows = [...document.getElementById(tools.dataset.table).tBodies[0].rows], count = tools.querySelector("output");
  const texts = rows.map(row => row.textContent.toLowerCase());
  const filter = () => {
    let shown = 0;
    const wanted = tools.querySelector("input").value.toLowerCase();
    const picks = [...tools.querySelectorAll("select")].map(select => [select.name, select.value]).filter(pick => pick[1]);
    rows.forEach((row, at) => {
      row.hidden = !(texts[at].includes(wanted) && picks.every(([name, value]) => row.dataset[name] === value));
      shown += !row.hidden;
    });
    count.textContent = shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en");
  };
  tools.addEventListener("input", filter);
  filter();
}
