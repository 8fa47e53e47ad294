; 640x480 with 256 colors, two pages; the hidden page gets pixels through the window, then it is shown in the next vertical retrace.
bits 16
org 0x7C00
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7C00
    mov ax, 0x4F02
    mov bx, 0x101
    int 0x10
    mov ax, 0xA000
    mov es, ax
    mov ebp, 12345              ; random numbers
    xor si, si                  ; page
frame:
    xor si, 1
    mov cx, 1500
pixel:
    imul ebp, ebp, 1103515245
    add ebp, 12345
    mov eax, ebp
    shr eax, 8
    xor edx, edx
    mov ebx, 640 * 480
    div ebx
    mov eax, edx
    test si, si
    jz .first
    add eax, 640 * 480
.first:
    mov di, ax
    shr eax, 16
    cmp ax, [bank]
    je .same
    mov [bank], ax
    mov dx, ax
    mov ax, 0x4F05
    xor bx, bx
    int 0x10
.same:
    mov eax, ebp
    shr eax, 20
    mov [es:di], al
    loop pixel
    mov ax, 0x4F07
    mov bx, 0x80
    xor cx, cx
    xor dx, dx
    test si, si
    jz .show
    mov dx, 480
.show:
    int 0x10
    inc dword [frames]
    jmp frame
bank: dw 0xFFFF
frames: dd 0
    times 510 - ($ - $$) db 0
    dw 0xAA55
