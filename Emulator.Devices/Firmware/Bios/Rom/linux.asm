; Option ROM that starts the -kernel of the command line: a boot entry vector for Plug and Play firmware, ours or another's. It loads the parts of a Linux
; kernel by fw_cfg's DMA interface and jumps to the kernel's real-mode setup code (Documentation/arch/x86/boot.rst). The host adds the checksums.
bits 16
cpu 486
org 0

SELECTOR    equ 0x510
DATA        equ 0x511
DMA_LOW     equ 0x518
DMA_ERROR   equ 0x01
DMA_READ    equ 0x02
DMA_SELECT  equ 0x08
DESCRIPTOR  equ 0x7C00                  ; where the descriptor of a transfer is built
PIECE       equ 8 << 20                 ; bytes of a transfer at most
STACK       equ 0xE000                  ; in the segment of the setup code: behind the heap that its header names
SETUP_ADDRESS equ 0x16

    dw 0xAA55
    db (end - $$) / 512
    jmp near initialize
    times 0x1A - ($ - $$) db 0
    dw header

    times 0x20 - ($ - $$) db 0
header:                                 ; Plug and Play expansion header
    db "$PnP", 1, 2
    dw 0
    db 0
    db 0                                ; checksum
    dd 0
    dw manufacturer, product
    db 0, 0, 0, 0
    dw 0                                ; boot connection vector
    dw 0
    dw boot
    dw 0, 0

manufacturer: db "Emulator", 0
product: db "Linux kernel", 0

initialize:
    mov ax, 0x20                        ; there is something to boot
    retf

boot:
    cld
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, DESCRIPTOR
    mov si, parts
.part:
    cs lodsw
    test ax, ax
    jz .start
    call value
    mov ebp, eax                        ; address
    cs lodsw
    call value
    mov ebx, eax                        ; bytes
    cs lodsw
    test ebx, ebx
    jz .part
    shl eax, 16
    mov al, DMA_SELECT | DMA_READ
.piece:
    mov edi, PIECE
    cmp ebx, edi
    jae .length
    mov edi, ebx
.length:
    bswap eax
    mov [DESCRIPTOR], eax
    mov eax, edi
    bswap eax
    mov [DESCRIPTOR + 4], eax
    xor eax, eax
    mov [DESCRIPTOR + 8], eax
    mov eax, ebp
    bswap eax
    mov [DESCRIPTOR + 12], eax
    mov eax, DESCRIPTOR
    bswap eax
    mov dx, DMA_LOW
    out dx, eax
.wait:
    mov eax, [DESCRIPTOR]
    bswap eax
    test al, DMA_ERROR
    jnz .failed
    test eax, eax
    jnz .wait
    mov al, DMA_READ
    add ebp, edi
    sub ebx, edi
    jnz .piece
    jmp .part
.failed:
    int 0x18
.start:
    mov ax, SETUP_ADDRESS
    call value
    mov ebx, eax
    xor ax, ax                          ; the signature: nothing large stays selected
    mov dx, SELECTOR
    out dx, ax
    cli
    shr ebx, 4
    mov ds, bx
    mov es, bx
    mov fs, bx
    mov gs, bx
    mov ss, bx
    mov esp, STACK
    add bx, 0x20
    push bx
    push word 0
    retf

; EAX = the number that item AX holds
value:
    mov dx, SELECTOR
    out dx, ax
    mov dx, DATA
    mov cx, 4
.byte:
    in al, dx
    ror eax, 8
    loop .byte
    ret

; Items with address, size and contents: setup code, kernel, initial RAM disk, command line.
parts:
    dw SETUP_ADDRESS, 0x17, 0x18
    dw 0x07, 0x08, 0x11
    dw 0x0A, 0x0B, 0x12
    dw 0x13, 0x14, 0x15
    dw 0

    times 511 - ($ - $$) db 0
    db 0                                ; checksum
end:
