# Draws what a serial console with cursor positions (CSI row;column H) shows at the end; other CSI sequences are skipped. 80 by 25, a byte a cell.
BEGIN { RS = "\033"; row = 1; column = 1 }
{
  text = $0
  if (NR > 1 && match(text, /^\[[0-9;?]*[A-Za-z]/)) {
    sequence = substr(text, 2, RLENGTH - 1); text = substr(text, RLENGTH + 1)
    if (sequence ~ /H$/) { split(sequence, at, ";"); row = at[1] + 0 ? at[1] + 0 : 1; column = at[2] + 0 ? at[2] + 0 : 1 }
    if (sequence ~ /J$/) { delete cell }
  }
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c == "\r") { column = 1 } else if (c == "\n") { row++ } else { cell[row, column++] = c }
  }
}
END {
  for (row = 1; row <= 25; row++) {
    line = ""
    for (column = 1; column <= 80; column++) { line = line ((row, column) in cell ? cell[row, column] : " ") }
    sub(/ +$/, "", line); print line
  }
}
