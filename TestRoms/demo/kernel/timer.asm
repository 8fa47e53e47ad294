; Time: the 8254 timer's counter 0, which interrupts by input 0, and the real-time clock (MC146818) that keeps date and time on a battery.

PIT_COUNTER_0   equ 0x40
PIT_CONTROL     equ 0x43
PIT_FREQUENCY   equ 1193182             ; hertz: a third of the NTSC colour carrier, since IBM had that crystal at hand
TICKS_PER_SECOND equ 100

RTC_INDEX       equ 0x70
RTC_DATA        equ 0x71

timer_init:
    mov al, 0x34                        ; counter 0, low byte then high byte, mode 2 (rate generator), binary
    out PIT_CONTROL, al
    mov ax, (PIT_FREQUENCY + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND
    out PIT_COUNTER_0, al
    mov al, ah
    out PIT_COUNTER_0, al
    xor eax, eax
    mov edx, timer_interrupt
    jmp irq_install

timer_interrupt:
    inc dword [ticks]
    mov edi, [current]
    inc dword [edi + Task.ticks]
    mov eax, [ticks]
    mov edi, tasks
.task:
    cmp dword [edi + Task.state], TASK_SLEEPING
    jne .next
    mov ecx, eax
    sub ecx, [edi + Task.wake]          ; by the difference, so that it still works when the count wraps
    js .next
    mov dword [edi + Task.state], TASK_READY
.next:
    add edi, Task_size
    cmp edi, tasks_end
    jb .task
    jmp schedule

; wait_for_tick: returns right after a tick. Interrupts must be on.
wait_for_tick:
    push eax
    mov eax, [ticks]
.wait:
    hlt
    cmp eax, [ticks]
    je .wait
    pop eax
    ret

; rtc_read: AL = register. Returns AL.
rtc_read:
    out RTC_INDEX, al
    in al, RTC_DATA
    ret

; rtc_time: reads date and time into rtc_values: seconds, minutes, hours, day, month, year, century; binary.
; The clock changes its registers once a second, and register A bit 7 warns 244 us before. So we read twice and take what is equal.
rtc_time:
    pushad
.again:
    mov edi, rtc_values
    call .read
    mov edi, rtc_second
    call .read
    mov esi, rtc_values
    mov edi, rtc_second
    mov ecx, 7
    repe cmpsb
    jne .again
    mov al, 0x0B
    call rtc_read
    test al, 4                          ; DM: 1 binary, 0 binary coded decimal
    jnz .done
    mov ecx, 7
    mov esi, rtc_values
.convert:
    mov al, [esi]
    mov ah, al
    shr ah, 4
    and al, 15
    aad                                 ; AL = AH * 10 + AL
    mov [esi], al
    inc esi
    loop .convert
.done:
    popad
    ret
.read:
    mov ecx, 100000
.busy:
    mov al, 0x0A
    call rtc_read
    test al, 0x80
    loopnz .busy
    mov esi, rtc_registers
    mov ecx, 7
.register:
    lodsb
    call rtc_read
    stosb
    loop .register
    ret

; rtc_print: the date and time as 2026-01-01 12:34:56.
rtc_print:
    pushad
    call rtc_time
    mov esi, rtc_values + 6
    mov ecx, 7
    xor ebx, ebx
.next:
    movzx eax, byte [esi]
    call print_decimal_2
    mov al, [rtc_separators + ebx]
    cmp al, 1
    jb .none
    call console_put
.none:
    inc ebx
    dec esi
    loop .next
    popad
    ret

    section .data
rtc_registers: db 0, 2, 4, 7, 8, 9, 0x32
rtc_separators: db 0, "-- ::", 0
    section .bss
    alignb 4
ticks: resd 1
rtc_values: resb 7
rtc_second: resb 7
    alignb 4
    section .text
