; The system ROM, F0000h to FFFFFh and its alias below 4 GiB. Its services are the host's: `service n` (0F 04 n) calls SystemBios with
; number n. What has to be guest code is here: entry points at the addresses that old software knows, the order of interrupt
; acknowledgement, waiting with interrupts on, calls of the guest's own handlers.
;
; A service that must wait returns with CF set in the live flags (never in the image that IRET pops): the stub waits for an interrupt and
; calls it again with the same registers.
bits 16
cpu 486
org 0

%macro service 1
    db 0x0F, 0x04, %1
%endmacro

; Fills up to an address that software relies on.
%macro place 1
    times (%1) - ($ - $$) db 0xFF
%endmacro

; An interrupt whose work is one service.
%macro handler 1
    clc                             ; the live CF says whether this is the second call or a later one
%%call:
    service %1
    jc %%wait
    iret
%%wait:
    sti
    hlt
    cli
    stc
    jmp %%call
%endmacro

; Interrupt acknowledgement; AL is lost.
%macro acknowledge 0
    mov al, 0x20
    out 0x20, al
%endmacro

%macro acknowledge_both 0
    mov al, 0x20
    out 0xA0, al
    out 0x20, al
%endmacro

SERVICE_POST equ 0xF0
SERVICE_OPTION_ROM equ 0xF1
SERVICE_BIOS32 equ 0xF2
SERVICE_PCI32 equ 0xF3
SERVICE_APM equ 0xF4
SERVICE_PNP equ 0xF5
SERVICE_OPTION_ROM_DONE equ 0xF6
SERVICE_BOOT equ 0xF7
SERVICE_PROTECTED_MODE equ 0xF8
SERVICE_RESUME equ 0xF9

; What service 09h asks for, in AL.
KEY_BREAK equ 1
KEY_PRINT_SCREEN equ 2
KEY_PAUSE equ 3
KEY_SYSTEM_REQUEST equ 4
KEY_RESET equ 5

BDA equ 0x40
KEYBOARD_FLAGS_1 equ 0x18
PAUSED equ 0x08

post:
    cli
    cld
    mov ax, 0
    mov ss, ax
    mov sp, 0x7C00
    service SERVICE_POST
    ; CF: the shutdown byte of CMOS asks for a jump instead (AL: end of interrupt first).
    jnc .start
    test al, al
    jz .resume
    acknowledge_both
.resume:
    jmp far [0x467]                 ; DS is 0 after a reset
.start:
    sti
.next_rom:
    service SERVICE_OPTION_ROM      ; AX:SI: what an option ROM wants called next, CF: nothing; DI: PnP header
    jc .boot
    push cs
    push word .rom_done
    push ax
    push si
    mov ax, bx                      ; bus, device and function
    mov bx, 0xFFFF                  ; no card select number, no port of ISA Plug and Play
    mov dx, bx
    push cs
    pop es
    retf
.rom_done:
    cli
    cld
    xor ax, ax
    mov ss, ax
    mov sp, 0x7C00
    service SERVICE_OPTION_ROM_DONE
    sti
    jmp .next_rom
.boot:
    int 0x19
    jmp $

int05:
    handler 0x05

int08:
    push ds
    push ax
    push dx
    service 0x08
    mov ax, BDA
    mov ds, ax
    int 0x1C
    cli
    acknowledge
    pop dx
    pop ax
    pop ds
    iret

int09:
    push ax
    in al, 0x60
    mov ah, 0x4F
    stc
    int 0x15
    jnc .done
    service 0x09
    cmp al, KEY_BREAK
    je .break
    cmp al, KEY_PRINT_SCREEN
    je .print
    cmp al, KEY_PAUSE
    je .pause
    cmp al, KEY_SYSTEM_REQUEST
    je .request
    cmp al, KEY_RESET
    je .reset
.done:
    acknowledge
    pop ax
    iret
.break:
    acknowledge
    int 0x1B
    pop ax
    iret
.print:
    acknowledge
    int 0x05
    pop ax
    iret
.request:
    acknowledge
    mov al, ah
    mov ah, 0x85
    int 0x15
    pop ax
    iret
.pause:
    acknowledge
    push ds
    mov ax, BDA
    mov ds, ax
.paused:
    sti
    hlt
    cli
    test byte [KEYBOARD_FLAGS_1], PAUSED
    jnz .paused
    pop ds
    pop ax
    iret
.reset:
    mov al, 0xFE
    out 0x64, al
    hlt
    jmp .reset

int0e:
    service 0x0E
    push ax
    acknowledge
    pop ax
    iret

int70:
    push ax
    service 0x70                    ; AL: whether the alarm went off
    test al, al
    jz .done
    int 0x4A
    cli
.done:
    acknowledge_both
    pop ax
    iret

int71:
    push ax
    mov al, 0x20
    out 0xA0, al
    pop ax
    int 0x0A
    iret

int74:
    push es
    push ds
    pushad
    service 0x74                    ; CF: a packet is complete; AX BX CX DX: what the handler at DI:SI gets
    jnc .done
    push ax
    push bx
    push cx
    push dx
    push cs
    push word .handled
    push di
    push si
    retf
.handled:
    add sp, 8
.done:
    cli
    acknowledge_both
    popad
    pop ds
    pop es
    iret

int75:
    push ax
    xor al, al
    out 0xF0, al
    acknowledge_both
    pop ax
    int 0x02
    iret

int76:
    service 0x76
    push ax
    acknowledge_both
    pop ax
    iret

; An interrupt request that nobody serves: acknowledged where it is in service, and masked.
unexpected_irq:
    service 0x0F
    iret

int11:
    handler 0x11
int12:
    handler 0x12
int13:
    handler 0x13
int14:
    handler 0x14
int15:
    cmp ah, 0x89
    je .protected_mode
    handler 0x15

; Function 89h: ES:SI points to the descriptors null, GDT, IDT, DS, ES, SS, CS and one for us, which is not needed.
.protected_mode:
    cli
    service SERVICE_PROTECTED_MODE
    lgdt [es:si+0x08]
    lidt [es:si+0x10]
    pop dx
    add sp, 4
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov ax, 0x18
    mov ds, ax
    mov ax, 0x20
    mov es, ax
    mov ax, 0x28
    mov ss, ax
    xor ax, ax
    push 0x30
    push dx
    retf

int16:
    handler 0x16
int17:
    handler 0x17
int1a:
    handler 0x1A
int40:
    handler 0x40

; Boot failed: the next device. INT 19h begins with the first again.
int19:
    cli
    service 0x19
int18:
    cli
    cld
    mov dx, 0
    mov ss, dx
    mov sp, 0x7C00
.next:
    service SERVICE_BOOT            ; AX:BX: entry point, DL: drive, DI: PnP header; CF: wait and ask again
    jc .wait
    push cs                         ; a boot entry vector returns when it fails
    push word .returned
    push ax
    push bx
    push cs
    pop es
    xor ax, ax
    mov ds, ax
    sti
    retf
.returned:
    jmp int18
.wait:
    sti
    hlt
    cli
    jmp .next

; The boot sector of a disk that an option ROM has connected, DL: entered like a boot entry vector.
rom_disk:
    xor ax, ax
    mov es, ax
    mov ax, 0x0201
    mov bx, 0x7C00
    mov cx, 1
    mov dh, 0
    push dx
    int 0x13
    pop dx
    jc .failed
    cmp word [es:0x7DFE], 0xAA55
    jne .failed
    jmp 0x0000:0x7C00
.failed:
    retf

; Far calls of protected-mode code.
bios32_entry:
    service SERVICE_BIOS32
    retf
pci32_entry:
    service SERVICE_PCI32
    retf
apm_entry:
    service SERVICE_APM
    retf
pnp_entry:
    service SERVICE_PNP
    retf

; Port accesses that a V86 monitor has to do for a service: IN and OUT of 1, 2 and 4 bytes, eight bytes each. The service goes on in the one that follows.
%macro port_trap 1
%%start:
    %1
    service SERVICE_RESUME
    iret
    times 8 - ($ - %%start) db 0xFF
%endmacro
port_traps:
    port_trap {in al, dx}
    port_trap {in ax, dx}
    port_trap {in eax, dx}
    port_trap {out dx, al}
    port_trap {out dx, ax}
    port_trap {out dx, eax}

; Where the host finds the entry points: offsets, in the order of BiosRom.Entry.
    place 0xDF00
    dw int05, int08, int09, int0e, int70, int71, int74, int75, int76, unexpected_irq
    dw int11, int12, int13, int14, int15, int16, int17, int18, int19, int1a, int40
    dw bios32_entry, pci32_entry, apm_entry, pnp_entry, dummy, port_traps, rom_disk

; Entry points of the PC AT.
    place 0xE05B
    jmp post
    place 0xE2C3
    iret                            ; NMI
    place 0xE3FE
    jmp int13
    place 0xE6F2
    jmp int19
    place 0xE6F5
    ; System configuration table (INT 15h, function C0h): model FCh, submodel 1, revision 0; second 8259, real-time clock,
    ; keyboard intercept, EBDA; INT 16h function 09h.
configuration:
    dw 8
    db 0xFC, 0x01, 0x00, 0x74, 0x40, 0x00, 0x00, 0x00
    place 0xE729
    ; Divisors of the baud rates 110 to 9600 (INT 14h).
    dw 1047, 768, 384, 192, 96, 48, 24, 12
    place 0xE739
    jmp int14
    place 0xE82E
    jmp int16
    place 0xE987
    jmp int09
    place 0xEC59
    jmp int40
    place 0xEF57
    jmp int0e
    place 0xEFC7
    ; Diskette parameter table (INT 1Eh) for 1.44 MB.
    db 0xDF, 0x02, 0x25, 0x02, 0x12, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08
    place 0xEFD2
    jmp int17
    place 0xF045
    jmp 0xC000:0x0048               ; VideoRom.Interrupt
    place 0xF0A4
    ; Video parameter table (INT 1Dh) of the 6845 in text and graphics modes.
    db 0x38, 0x28, 0x2D, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
    db 0x71, 0x50, 0x5A, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
    db 0x38, 0x28, 0x2D, 0x0A, 0x7F, 0x06, 0x64, 0x70, 0x02, 0x01, 0x06, 0x07, 0, 0, 0, 0
    db 0x61, 0x50, 0x52, 0x0F, 0x19, 0x06, 0x19, 0x19, 0x02, 0x0D, 0x0B, 0x0C, 0, 0, 0, 0
    dw 0x0800, 0x1000, 0x4000, 0x4000
    db 40, 40, 80, 80, 40, 40, 80, 80
    db 0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29
    place 0xF841
    jmp int12
    place 0xF84D
    jmp int11
    place 0xF859
    jmp int15
    place 0xFA6E
    ; Room for the 8 by 8 font of characters 0 to 127, which the host puts here.
    place 0xFE6E
    jmp int1a
    place 0xFEA5
    jmp int08
    place 0xFEF3
    ; Vectors 08h to 1Fh, as the AT keeps them.
    dw 0xFEA5, 0xE987, unexpected_irq, unexpected_irq, unexpected_irq, unexpected_irq, 0xEF57, unexpected_irq
    dw 0xF045, 0xF84D, 0xF841, 0xE3FE, 0xE739, 0xF859, 0xE82E, 0xEFD2
    dw int18, 0xE6F2, 0xFE6E, dummy, dummy, 0xF0A4, 0xEFC7, 0
    place 0xFF53
dummy:
    iret
    place 0xFF54
    jmp int05
    place 0xFFF0
    jmp 0xF000:0xE05B
    place 0xFFF5
    db "01/01/26"
    place 0xFFFE
    db 0xFC
    place 0x10000
