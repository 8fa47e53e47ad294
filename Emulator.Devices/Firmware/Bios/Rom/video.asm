; The code of the video ROM, C0000h: entry points, and VBE's protected mode interface. Tables and fonts are added by VideoRom.cs.
; `service n` (0F 04 n) calls VideoBios.
;
; The protected mode interface is 32-bit code that runs wherever it was copied to. It keeps all registers but EAX.
cpu 386
org 0

%macro service 1
    db 0x0F, 0x04, %1
%endmacro

%macro place 1
    times (%1) - ($ - $$) db 0
%endmacro

INT10 equ 0x10
SERVICE_WINDOW equ 0x50
SERVICE_POST equ 0x51

DISPI_INDEX equ 0x1CE
DISPI_BPP equ 3
DISPI_BANK equ 5
DISPI_VIRTUAL_WIDTH equ 6
DISPI_X_OFFSET equ 8
DISPI_Y_OFFSET equ 9
DAC_WRITE_INDEX equ 0x3C8
DAC_DATA equ 0x3C9
INPUT_STATUS equ 0x3DA
RETRACE equ 8

bits 16
    db 0x55, 0xAA, 0                ; length: VideoRom
    jmp init
place 0x18
    dw 0                            ; PCI data structure: VideoRom
place 0x1E
    db "IBM VGA compatible", 0

place 0x40
init:
    service SERVICE_POST
    retf

; A service that waits for the beam returns with CF set in the live flags, and is called again some microseconds later.
place 0x48
int10:
    service INT10
    jc beam
    iret

place 0x50
window:
    service SERVICE_WINDOW
    retf

beam:
    sti
    push cx
    mov cx, 1000
    loop $
    pop cx
    cli
    jmp int10

bits 32
place 0x70
protected_mode:
    dw set_window - protected_mode
    dw set_display_start - protected_mode
    dw set_palette - protected_mode
    dw resources - protected_mode

; Ports and memory that the code needs.
resources:
    dw DISPI_INDEX, DISPI_INDEX + 1, DAC_WRITE_INDEX, DAC_DATA, INPUT_STATUS, 0xFFFF
    dw 0xFFFF

; Function 5: BH 0, BL window (0 is the only one), DX position in 64 KiB.
set_window:
    test bx, bx
    jnz failed
    push edx
    push ecx
    movzx ecx, dx
    mov eax, DISPI_BANK
    call write_dispi
    call read_dispi
    cmp ax, cx
    pop ecx
    pop edx
    jne failed
succeeded:
    mov eax, 0x004F
    ret

failed:
    mov eax, 0x014F
    ret

; Function 7: BL 0, or 80h to wait for vertical retrace; DX:CX start address in units of four bytes (of a byte in planes).
set_display_start:
    test bl, 0x7F
    jnz failed
    push edx
    push ecx
    push ebx
    push esi
    push edi
    movzx ecx, cx
    shl edx, 16
    or ecx, edx                     ; ECX start
    mov eax, DISPI_VIRTUAL_WIDTH
    call read_dispi
    movzx esi, ax                   ; ESI pixels, then bytes of a line
    mov eax, DISPI_BPP
    call read_dispi
    movzx edi, ax
    cmp edi, 4
    je .planes
    shl ecx, 2
    add edi, 7
    shr edi, 3                      ; EDI bytes of a pixel
    imul esi, edi
    jmp .divide
.planes:
    shr esi, 3
    xor edi, edi
.divide:
    test esi, esi
    jz .failed
    mov eax, ecx
    xor edx, edx
    div esi
    mov ecx, eax                    ; ECX line
    mov eax, edx
    test edi, edi
    jz .eight
    xor edx, edx
    div edi
    jmp .column
.eight:
    shl eax, 3
.column:
    mov esi, eax                    ; ESI column
    call wait_retrace
    mov eax, DISPI_Y_OFFSET
    call write_dispi
    mov ecx, esi
    mov eax, DISPI_X_OFFSET
    call write_dispi
    pop edi
    pop esi
    pop ebx
    pop ecx
    pop edx
    jmp succeeded
.failed:
    pop edi
    pop esi
    pop ebx
    pop ecx
    pop edx
    jmp failed

; Function 9: BL 0, or 80h to wait for vertical retrace; CX entries from DX on, ES:EDI blue, green, red and an unused byte for each.
set_palette:
    test bl, 0x7F
    jnz failed
    push edx
    push ecx
    push edi
    movzx ecx, cx
    call wait_retrace
    mov eax, edx
    mov edx, DAC_WRITE_INDEX
    out dx, al
    inc edx
    jecxz .done
.next:
    mov al, [es:edi + 2]
    out dx, al
    mov al, [es:edi + 1]
    out dx, al
    mov al, [es:edi]
    out dx, al
    add edi, 4
    loop .next
.done:
    pop edi
    pop ecx
    pop edx
    jmp succeeded

; With bit 7 of BL, waits for the start of vertical retrace; EAX is lost.
wait_retrace:
    test bl, 0x80
    jz .done
    push edx
    mov edx, INPUT_STATUS
.during:
    in al, dx
    test al, RETRACE
    jnz .during
.until:
    in al, dx
    test al, RETRACE
    jz .until
    pop edx
.done:
    ret

; EAX index; AX the value. EDX is lost.
read_dispi:
    mov edx, DISPI_INDEX
    out dx, ax
    inc edx
    in ax, dx
    ret

; EAX index, CX the value. EAX keeps the index, EDX is lost.
write_dispi:
    mov edx, DISPI_INDEX
    out dx, ax
    push eax
    inc edx
    mov eax, ecx
    out dx, ax
    pop eax
    ret
protected_mode_end:

place 0x1F0
    dw protected_mode_end - protected_mode
place 0x200
