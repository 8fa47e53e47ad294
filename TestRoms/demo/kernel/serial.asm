; The first serial port: a 16550A UART at 3F8h, interrupt 4 (data sheet PC16550D).
;
; All that the console prints goes here too, and what arrives counts as typed. A terminal on the other end, or a script, can thus do everything that
; somebody at the screen can.

COM1            equ 0x3F8
UART_DATA       equ COM1                ; also the divisor's low byte, while LCR.7 is set
UART_IER        equ COM1 + 1            ; interrupt enable; the divisor's high byte
UART_FCR        equ COM1 + 2            ; FIFO control (write)
UART_LCR        equ COM1 + 3            ; line control
UART_MCR        equ COM1 + 4            ; modem control
UART_LSR        equ COM1 + 5            ; line status
UART_SCR        equ COM1 + 7            ; scratch: a byte of memory, by which one sees that there is a UART
LSR_DATA_READY  equ 1
LSR_THR_EMPTY   equ 0x20

serial_init:
    OUTB UART_SCR, 0x5A
    in al, dx
    cmp al, 0x5A
    jne .absent
    OUTB UART_SCR, 0xA5
    in al, dx
    cmp al, 0xA5
    jne .absent
    OUTB UART_IER, 0
    OUTB UART_LCR, 0x80                 ; the divisor: 115,200 / 1
    OUTB UART_DATA, 1
    OUTB UART_IER, 0
    OUTB UART_LCR, 0x03                 ; 8 data bits, no parity, 1 stop bit
    INB UART_LSR                        ; what has been sent already is not lost with the FIFOs, which start empty
    test al, LSR_DATA_READY
    jz .none_yet
    call serial_interrupt
.none_yet:
    OUTB UART_FCR, 0x07                 ; FIFOs on, both empty
    OUTB UART_MCR, 0x0B                 ; DTR, RTS, and OUT2, which on a PC connects the interrupt
    mov byte [serial_is_there], 1
.absent:
    ret

; serial_start: from now on characters interrupt.
serial_start:
    cmp byte [serial_is_there], 0
    je .absent
    mov eax, 4
    mov edx, serial_interrupt
    call irq_install
    OUTB UART_IER, 1                    ; when data has arrived
.absent:
    ret

; serial_put: AL = character. A new line becomes carriage return and line feed, as terminals want it.
serial_put:
    cmp byte [serial_is_there], 0
    je .absent
    cmp al, 10
    jne .plain
    mov al, 13
    call .plain
    mov al, 10
.plain:
    pushad
    mov ah, al
    mov ecx, 100000                     ; a port that never gets ready must not stop the system
    mov edx, UART_LSR
.wait:
    in al, dx
    test al, LSR_THR_EMPTY
    loopz .wait
    OUTB UART_DATA, ah
    popad
.absent:
    ret

serial_interrupt:
    INB UART_LSR
    test al, LSR_DATA_READY
    jz .done
    INB UART_DATA
    cmp al, 13                          ; the Enter key of a terminal
    jne .no_return
    mov al, 10
.no_return:
    cmp al, 127                         ; and its Backspace
    jne .no_delete
    mov al, 8
.no_delete:
    call key_arrived
    jmp serial_interrupt
.done:
    ret

    section .bss
serial_is_there: resb 1
    alignb 4
    section .text
