"""The table of true and found causes."""


def numbered(row):
    return (0, int(row[2:])) if row[:2] == "D-" and row[2:].isdigit() else (1, row)


def table(outcomes):
    """A line for each true cause: in how many cases it was found, and what was found instead."""
    lines = [f"{'true cause':10}  {'cases':>5}  {'found':>5}  found instead"]
    for row in sorted({o.case.row for o in outcomes}, key=lambda r: str(numbered(r)[0]) + str(numbered(r)[1]).zfill(4)):
        of_row = [o for o in outcomes if o.case.row == row]
        instead = [o.found for o in of_row if o.found != row]
        lines.append(f"{row:10}  {len(of_row):5}  {len(of_row) - len(instead):5}  " +
                     ", ".join(f"{r} ({instead.count(r)})" for r in sorted(set(instead))))
    right = sum(o.found == o.case.row for o in outcomes)
    lines.append(f"{len(outcomes)} cases of {len({o.case.row for o in outcomes})} rows, {right} with the true cause in the headline")
    return "\n".join(line.rstrip() for line in lines)
