#!/bin/bash
# SPDX-License-Identifier: MIT
# The story is true: its numbers, losses and times are those of the ladder of the same run.
. "$(dirname "$0")/lib.sh"

run --tcp --lang en --width 100
isns=$(sed -nE 's/.*Mei began at ([0-9]+), Lin at ([0-9]+).*/\1 \2/p' "$WORK/out")
mei=${isns% *} lin=${isns#* }
waited=$(sed -nE 's/.*timer ran out after ([0-9.]+) s.*/\1/p' "$WORK/out" | head -n 1)
arrows=$(grep -cE '├─|┤' "$WORK/out")

run --story --tcp --lang en --width 200
fits 100
flatten
in_order 'Letters by wild goose' 'Three letters to come together' "begin at $mei" 'SYN-SENT' 'SYN-RECEIVED' 'SYN, ACK' \
    "own begin at $lin" 'ESTABLISHED' 'third letter' 'ESTABLISHED' 'What they have to say' 'bytes 1 to 63' \
    'the geese have flown south' 'bytes 1 to 61' 'bytes 64 to 102' 'falls on the way' "only the timer: $waited s" \
    "$waited s have passed" 'same bytes again, 64 to 102' 'Four letters to part' 'FIN-WAIT-1' 'CLOSE-WAIT' \
    'FIN-WAIT-2' 'LAST-ACK' 'TIME-WAIT' 'CLOSED' 'Mei stays at home for 60\.000 s' 'CLOSED' \
    "$arrows geese flew, 1 fell" 'wrote 102 bytes and Lin 86'

run --story --lang zh --width 80
fits 80
tr -d ' \n' <"$WORK/out" >"$WORK/flat" && mv "$WORK/flat" "$WORK/out"
in_order '鸿雁传书' '相识：三封信' '寄出第一封信' 'SYN-SENT' '第三封' '往来' '雁已南飞' '雁在半路走失了' '只有定时器' \
    '没有回音' '取出底稿' '作别：四封信' 'FIN-WAIT-1' 'CLOSE-WAIT' 'FIN-WAIT-2' 'LAST-ACK' 'TIME-WAIT' '守候60.000秒' \
    '关上了门' '走失1只' '明信片' '寄出4张，读到3张'

run --story --simultaneous --lang en
in_order 'same moment' 'SYN-SENT' 'surprised' 'SYN-RECEIVED' 'ESTABLISHED' 'at once' 'CLOSING' 'TIME-WAIT' 'CLOSED'
run --story --simultaneous --lang zh
in_order '不约而同' '同时作别' '守候'
run --story --tcp --loss 100% --lang en
flatten
in_order 'first letter again' 'gives up'
absent 'ESTABLISHED|reads'

# Whatever is lost: as many geese fly and fall as the ladder has arrows and crosses, and Lin's farewell comes again in the
# story if and only if it does in the trace.
asked=0
for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
    run --tcp --loss 30% --seed "$seed" --lang en --width 200 --why
    arrows=$(grep -cE '├─|┤' "$WORK/out")
    crosses=$(grep -c '×' "$WORK/out")
    again=$(grep -c 'FIN once more from TIME-WAIT' "$WORK/out")
    run --story --tcp --loss 30% --seed "$seed" --lang en
    flatten
    in_order "$arrows geese flew, $crosses fell"
    if [ "$again" -gt 0 ]; then
        in_order 'farewell had come again'
        asked=1
    else
        absent 'farewell had come again'
    fi
done
[ "$asked" -eq 1 ] || fail "no seed loses the last ACK: choose others"

finish
