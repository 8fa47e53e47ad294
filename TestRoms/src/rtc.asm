; rtc: the MC146818 clock and its CMOS RAM. Registers, BCD and binary, 12 and 24 hours, the calendar's carry at the end of a year and
; in a leap year, SET, and the three interrupts: periodic, alarm and update-ended.
;
; Motorola MC146818A datasheet; index at port 70h (bit 7 masks NMI), data at 71h, IRQ 8. Register 32h is the century by PC convention.

%include "kernel.inc"
%include "pic.inc"

SECONDS equ 0
SECONDS_ALARM equ 1
MINUTES equ 2
MINUTES_ALARM equ 3
HOURS equ 4
HOURS_ALARM equ 5
WEEKDAY equ 6
DAY equ 7
MONTH equ 8
YEAR equ 9
A equ 10
B equ 11
C equ 12
D equ 13
B_SET equ 0x80
B_PIE equ 0x40
B_AIE equ 0x20
B_UIE equ 0x10
B_BINARY equ 4
B_24 equ 2
C_IRQF equ 0x80
C_PF equ 0x40
C_AF equ 0x20
C_UF equ 0x10

section .bss
irqs:       resd 1
flags:      resd 1              ; register C as the handler read it, ored
last_c:     resd 1
section .text

%macro WRITE_RTC 2
    mov al, %1
    out 0x70, al
    mov al, %2
    out 0x71, al
%endmacro
%macro READ_RTC 1
    mov al, %1
    out 0x70, al
    in al, 0x71
    movzx eax, al
%endmacro
%macro EXPECT_RTC 2-3.nolist 0xFF
    READ_RTC %1
    and eax, %3
    EXPECT_EQ eax, %2
%endmacro
; SET_TIME year, month, day, weekday, hours, minutes, seconds: raw register values, with updates stopped
%macro SET_TIME 8
    WRITE_RTC B, B_SET | %8
    WRITE_RTC YEAR, %1
    WRITE_RTC MONTH, %2
    WRITE_RTC DAY, %3
    WRITE_RTC WEEKDAY, %4
    WRITE_RTC HOURS, %5
    WRITE_RTC MINUTES, %6
    WRITE_RTC SECONDS, %7
%endmacro
%macro EXPECT_TIME 7.nolist
    EXPECT_RTC SECONDS, %7
    EXPECT_RTC MINUTES, %6
    EXPECT_RTC HOURS, %5
    EXPECT_RTC WEEKDAY, %4
    EXPECT_RTC DAY, %3
    EXPECT_RTC MONTH, %2
    EXPECT_RTC YEAR, %1
%endmacro

main:
    call pic_init
    mov dword [hooks + (IRQ_BASE + 8) * 4], on_irq8
    UNMASK 8
    WRITE_RTC A, 0x26
    WRITE_RTC B, B_24
    READ_RTC C
    call cmos
    call calendar
    call formats
    call alarm
    call periodic
    call flags_and_masks
    ret

on_irq8:
    inc dword [irqs]
    READ_RTC C
    mov [last_c], eax
    or [flags], eax
    EOI_SLAVE
    ret

; wait_irq: HLT until an interrupt of the RTC came
wait_irq:
    mov dword [flags], 0
    mov dword [irqs], 0
    sti
    hlt
    cli
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
cmos:
    GROUP "CMOS RAM"
    EXPECT_RTC D, 0x80, 0x80                    ; the battery is good
    WRITE_RTC 0x40, 0xA5
    WRITE_RTC 0x41, 0x5A
    EXPECT_RTC 0x40, 0xA5
    EXPECT_RTC 0x41, 0x5A
    EXPECT_RTC 0x40 | 0x80, 0xA5                ; bit 7 of the index masks NMI, no more
    WRITE_RTC 0x40, 0
    EXPECT_RTC 0x40, 0
    EXPECT_RTC A, 0x26, 0x7F
    EXPECT_RTC B, B_24
    mov al, 0x80
    out 0x70, al
    mov al, 0
    out 0x70, al
    ret

calendar:
    GROUP "carry of the calendar"
    ; 31 December 2027, a Friday, 23:59:59 (BCD). SET stops the updates; clearing it starts a new second.
    WRITE_RTC 0x32, 0x20
    SET_TIME 0x27, 0x12, 0x31, 6, 0x23, 0x59, 0x59, B_24
    EXPECT_TIME 0x27, 0x12, 0x31, 6, 0x23, 0x59, 0x59
    READ_RTC C
    WRITE_RTC B, B_24 | B_UIE
    call wait_irq
    EXPECT_TIME 0x28, 0x01, 0x01, 7, 0x00, 0x00, 0x00
    mov eax, [flags]
    and eax, C_IRQF | C_UF
    EXPECT_EQ eax, C_IRQF | C_UF
    ; 2028 is a leap year; the weekday goes from 7 to 1 (a Sunday) for 29 February: 2028-02-28 is a Monday (2)
    SET_TIME 0x28, 0x02, 0x28, 2, 0x23, 0x59, 0x59, B_24
    READ_RTC C
    WRITE_RTC B, B_24 | B_UIE
    call wait_irq
    EXPECT_TIME 0x28, 0x02, 0x29, 3, 0x00, 0x00, 0x00
    ; 2027 is not
    SET_TIME 0x27, 0x02, 0x28, 1, 0x23, 0x59, 0x59, B_24
    READ_RTC C
    WRITE_RTC B, B_24 | B_UIE
    call wait_irq
    EXPECT_TIME 0x27, 0x03, 0x01, 2, 0x00, 0x00, 0x00
    WRITE_RTC B, B_24
    ret

formats:
    GROUP "binary, 12 hours"
    ; 11:59:59 PM becomes 12:00:00 AM, in BCD with bit 7 for PM: Saturday 2026-11-21
    SET_TIME 0x26, 0x11, 0x21, 7, 0x91, 0x59, 0x59, 0
    READ_RTC C
    WRITE_RTC B, B_UIE
    call wait_irq
    EXPECT_TIME 0x26, 0x11, 0x22, 1, 0x12, 0x00, 0x00
    ; 11:59:59 AM becomes 12:00:00 PM
    SET_TIME 0x26, 0x11, 0x21, 7, 0x11, 0x59, 0x59, 0
    READ_RTC C
    WRITE_RTC B, B_UIE
    call wait_irq
    EXPECT_TIME 0x26, 0x11, 0x21, 7, 0x92, 0x00, 0x00
    ; binary
    SET_TIME 26, 11, 30, 2, 23, 59, 59, B_24 | B_BINARY
    READ_RTC C
    WRITE_RTC B, B_24 | B_BINARY | B_UIE
    call wait_irq
    EXPECT_TIME 26, 12, 1, 3, 0, 0, 0
    WRITE_RTC B, B_24
    ret

alarm:
    GROUP "alarm"
    ; 12:00:01 is the time of the alarm; the clock is at 12:00:00
    SET_TIME 0x26, 0x11, 0x21, 7, 0x12, 0x00, 0x00, B_24
    WRITE_RTC SECONDS_ALARM, 0x01
    WRITE_RTC MINUTES_ALARM, 0x00
    WRITE_RTC HOURS_ALARM, 0x12
    READ_RTC C
    WRITE_RTC B, B_24 | B_AIE
    call wait_irq
    EXPECT_RTC SECONDS, 0x01
    mov eax, [flags]
    and eax, C_IRQF | C_AF
    EXPECT_EQ eax, C_IRQF | C_AF
    ; a value from C0h up means "any": here every hour and every minute, second 02
    WRITE_RTC SECONDS_ALARM, 0x02
    WRITE_RTC MINUTES_ALARM, 0xFF
    WRITE_RTC HOURS_ALARM, 0xC0
    call wait_irq
    EXPECT_RTC SECONDS, 0x02
    ; and every second
    WRITE_RTC SECONDS_ALARM, 0xFF
    call wait_irq
    EXPECT_RTC SECONDS, 0x03
    ; an alarm an hour away does not go off; the update interrupt tells that a second passed
    WRITE_RTC SECONDS_ALARM, 0x00
    WRITE_RTC MINUTES_ALARM, 0x00
    WRITE_RTC HOURS_ALARM, 0x13
    WRITE_RTC B, B_24 | B_AIE | B_UIE
    READ_RTC C
    call wait_irq
    mov eax, [flags]
    and eax, C_AF | C_UF
    EXPECT_EQ eax, C_UF
    WRITE_RTC B, B_24
    ret

periodic:
    GROUP "periodic interrupt"
    ; 16 Hz: sixteen interrupts from one update to the next, give or take the one at the end
    WRITE_RTC A, 0x2C
    READ_RTC C
    WRITE_RTC B, B_24 | B_UIE | B_PIE
.first:
    call wait_irq
    test dword [last_c], C_UF
    jz .first
    xor ebx, ebx
.count:
    call wait_irq
    inc ebx
    test dword [last_c], C_UF
    jnz .counted
    cmp ebx, 100
    jb .count
.counted:
    sub ebx, 15
    cmp ebx, 3
    setb al
    movzx eax, al
    EXPECT_EQ eax, 1
    ; rate 0 is none; the flag stays away
    WRITE_RTC A, 0x20
    WRITE_RTC B, B_24 | B_UIE | B_PIE
    READ_RTC C
    call wait_irq
    mov eax, [flags]
    and eax, C_PF | C_UF
    EXPECT_EQ eax, C_UF
    WRITE_RTC A, 0x26
    WRITE_RTC B, B_24
    ret

flags_and_masks:
    GROUP "register C"
    ; reading C clears it
    WRITE_RTC B, B_24 | B_PIE
    call wait_irq
    WRITE_RTC B, B_24
    READ_RTC C
    EXPECT_RTC C, 0, C_IRQF
    ; Flags are set without their enable bits as well, and then without IRQF (datasheet, register C: "independent of the state of
    ; PIE"). Neither reference does this: both run their timer only while PIE is set.
    WRITE_RTC A, 0x26
    READ_RTC C
    mov ecx, 4000000
.poll:
    READ_RTC C
    test al, C_PF
    jnz .came
    dec ecx
    jnz .poll
.came:
    and eax, C_IRQF | C_PF
    EXPECT_EQ eax, C_PF
    ; the line stays up until C is read: no second interrupt without it
    mov dword [hooks + (IRQ_BASE + 8) * 4], .no_read
    mov dword [irqs], 0
    READ_RTC C
    WRITE_RTC B, B_24 | B_PIE
    sti
    hlt
    cli
    EXPECT_EQ [irqs], 1
    mov ecx, 50000
.pause:
    in al, 0x61
    loop .pause
    sti
    nop
    nop
    cli
    EXPECT_EQ [irqs], 1
    READ_RTC C
    and eax, C_IRQF
    EXPECT_EQ eax, C_IRQF
    ; SET stops the clock and clears UIE
    WRITE_RTC B, B_24 | B_UIE
    WRITE_RTC B, B_24 | B_UIE | B_SET
    EXPECT_RTC B, B_24 | B_SET
    WRITE_RTC B, B_24
    ret
.no_read:
    inc dword [irqs]
    EOI_SLAVE
    ret

KERNEL_END
