; reset: every way in which a program can restart a PC, one after the other. RAM keeps its contents, so a counter there tells which reset
; this is; each start checks that the CPU is as the manual's table says and then asks for the next reset.
;
;   1  the keyboard controller's pulse command (FEh at port 64h)
;   2  bit 0 of port 92h
;   3  the reset control register at port CF9h (PIIX3)
;   4  a triple fault: an exception with no IDT
;
; Runs as a BIOS image. SDM volume 3A 9.1; PIIX3 datasheet. A machine that is told not to reboot cannot pass.

%include "real.inc"

MAGIC equ 0x5E7C0DE5
STATE_SEG equ 0x900             ; physical 9000h: not cleared by the start-up code of real.inc
MAGIC_AT equ 0
STAGE_AT equ 4
FAILED_AT equ 8

%macro STATE 0
    push word STATE_SEG
    pop ds
%endmacro

main:
    STATE
    cmp dword [MAGIC_AT], MAGIC
    je .known
    mov dword [MAGIC_AT], MAGIC
    mov dword [STAGE_AT], 0
    mov dword [FAILED_AT], 0
.known:
    mov ebx, [STAGE_AT]
    push ebx
    call power_on_state
    pop ebx
    push word 0
    pop ds
    call end_group                      ; the verdict of this stage, now: the next one begins with everything cleared
    mov word [group_name], 0
    mov eax, [all_failures]
    STATE
    add [FAILED_AT], eax
    inc dword [STAGE_AT]
    cmp ebx, 4
    jae .done
    call by_stage
    ; the reset did not come
    mov cx, 0xFFFF
.wait:
    in al, 0x61
    loop .wait
    GROUP "reset"
    STATE
    EXPECT_EQ ebx, [STAGE_AT]
    mov dword [MAGIC_AT], 0
    FINISH
.done:
    GROUP "four resets"
    STATE
    EXPECT_EQ [FAILED_AT], 0
    mov dword [MAGIC_AT], 0
    FINISH

; by_stage: asks for reset number EBX
by_stage:
    cmp ebx, 1
    jb .keyboard
    je .fast
    cmp ebx, 3
    jb .control
    ; triple fault
    o32 lidt [cs:.no_idt]
    ud2
.keyboard:
    in al, 0x64
    test al, 2                          ; the controller's input buffer must be empty
    jnz .keyboard
    mov al, 0xFE
    out 0x64, al
    ret
.fast:
    in al, 0x92
    and al, ~1
    out 0x92, al
    or al, 1                            ; the rising edge counts
    out 0x92, al
    ret
.control:
    mov dx, 0xCF9
    mov al, 2                           ; hard reset ...
    out dx, al
    mov al, 6                           ; ... now
    out dx, al
    ret
.no_idt:
    dw 0
    dd 0

; power_on_state: what can still be seen of table 9-1 after the few instructions of the start-up code; then everything is spoiled so that
; the next reset has something to do.
power_on_state:
    cmp ebx, 1
    jb .first
    je .second
    cmp ebx, 3
    jb .third
    je .fourth
    GROUP "state after a triple fault"
    jmp .check
.first:
    GROUP "state at power-on"
    jmp .check
.second:
    GROUP "state after a reset by the keyboard controller"
    jmp .check
.third:
    GROUP "state after a reset by port 92h"
    jmp .check
.fourth:
    GROUP "state after a reset by port CF9h"
.check:
    mov eax, cr0
    and eax, ~(CR0_CD | CR0_NW)
    EXPECT_EQ eax, CR0_ET
    mov eax, cr4
    EXPECT_EQ eax, 0
    mov eax, cr3
    EXPECT_EQ eax, 0
    mov eax, cr2
    EXPECT_EQ eax, 0
    mov eax, dr7
    EXPECT_EQ eax, 0x400
    mov eax, dr0
    EXPECT_EQ eax, 0
    push word 0
    pop ds
    sidt [0x1000]
    movzx eax, word [0x1000]
    EXPECT_EQ eax, 0xFFFF               ; the table of real mode, with its reset limit
    EXPECT_EQ [0x1002], 0
    ; segments have base 0 and 64 KiB; nothing is left of the big limit that was set up before the reset
    xor ax, ax
    mov fs, ax
    mov ebx, 0x10000
    FAULTS VEC_GP, {mov al, [fs:ebx]}
    ; spoil: unreal mode, CR2, CR3, CR4, a breakpoint register, the IDT base
    o32 lgdt [cs:.gdtr]
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    jmp $ + 2
    mov ax, 8
    mov fs, ax
    mov eax, cr0
    and al, ~CR0_PE
    mov cr0, eax
    jmp 0xF000:.real
.real:
    mov eax, CR4_PSE | CR4_TSD
    mov cr4, eax
    mov eax, 0x12345000
    mov cr3, eax
    mov cr2, eax
    mov dr0, eax
    mov dword [0x1000], 0x00000FFF
    mov dword [0x1004], 0
    lidt [0x1000]
    ret
align 8
.gdt:
    dq 0
    DESC 0, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_G | DF_B
.gdtr:
    dw 15
    dd 0xF0000 + .gdt
