; Writes a letter of its own eight times, and waits in between. Several of them in the background ("run letters.bin &") take turns, as the timer tells.

%include "program.inc"

    CALL_KERNEL TASK
    add al, 'A' - 2                     ; the first program is task 2
    mov [letter], al
    mov esi, 8
next:
    CALL_KERNEL WRITE, letter, 1
    CALL_KERNEL SLEEP, 3
    dec esi
    jnz next
    CALL_KERNEL END, 0

letter: db 0
