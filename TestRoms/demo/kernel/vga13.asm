; "gfx": mode 13h, 320 by 200 points in 256 colours, without any help from a BIOS. IBM, "VGA Technical Reference"; FreeVGA's documents are easier to get.
;
; A mode is nothing but the contents of some sixty registers: the sequencer fetches bytes from memory, the graphics controller and the attribute
; controller make colour numbers of them, the DAC makes colours of the numbers, and the CRT controller counts characters and lines. Mode 13h chains the
; four planes, so that the byte at A0000h + 320 * y + x is the point (x, y): the simplest picture a PC can show.
;
; The picture: plasma, the sum of four sine waves, with a turning cube drawn over it. All of it is computed from the number of the frame with integers,
; so that frame 60 is the same picture on every machine.

GFX_SCREEN      equ 0xA0000
GFX_WIDTH       equ 320
GFX_HEIGHT      equ 200

VGA_ATTRIBUTE   equ 0x3C0               ; index and data through one port; reading 3DAh makes the next write an index
VGA_MISC        equ 0x3C2
VGA_SEQUENCER   equ 0x3C4
VGA_PALETTE     equ 0x3C8               ; which entry; then red, green, blue, 6 bits each, at 3C9h
VGA_GRAPHICS    equ 0x3CE
VGA_STATUS      equ 0x3DA               ; bit 3: vertical retrace

CUBE_COLOUR     equ 255

; gfx_command: ESI = arguments: the number of frames after which the picture stands still; without it the picture moves until a key is pressed. What
; stands still is left to the shell, which waits for the next line with the picture on the screen.
gfx_command:
    call read_number
    jnc .limited
    xor eax, eax
.limited:
    mov [gfx_frames], eax
    test eax, eax
    jnz .counted
    mov dword [gfx_ends], key_poll
    PRINT "Mode 13h: a key ends it", 10
    jmp .start
.counted:
    mov dword [gfx_ends], key_escape
    PRINT "Mode 13h: Esc ends it", 10
.start:
    mov byte [console_is_graphics], 1
    call gfx_sines
    call gfx_mode_13
    call gfx_palette
    mov dword [gfx_frame], 0
.frame:
    call gfx_plasma
    call gfx_cube
    call gfx_retrace
    mov esi, gfx_buffer                 ; drawn elsewhere and copied at once, so that nobody sees half a picture
    mov edi, GFX_SCREEN
    mov ecx, GFX_WIDTH * GFX_HEIGHT / 4
    rep movsd
    inc dword [gfx_frame]
    call [gfx_ends]
    jnc text_mode
    mov eax, [gfx_frame]
    cmp eax, [gfx_frames]
    jne .frame
    PRINT "Frame "
    call print_decimal
    PRINT " stands still", 10           ; the screen is busy, but the serial port is not
    ret

; text_mode: back to mode 3. Its fonts lay in plane 2, where the picture was, and only the BIOS has them: INT 10h AH=00h.
text_mode:
    mov dword [bios_registers + BiosRegisters.eax], 0x0003
    mov al, 0x10
    call bios_call
    mov byte [console_is_graphics], 0
    jmp console_clear

; gfx_mode_13: sets the mode by its registers.
gfx_mode_13:
    pushad
    OUTB VGA_MISC, 0x63                 ; 25 MHz, colour addresses, memory on
    mov esi, .sequencer
    mov edx, VGA_SEQUENCER
    mov ecx, 5
    call .set
    mov edx, CRTC_INDEX
    mov ax, 0x0E11                      ; bit 7 of register 11h protects registers 0 to 7: off
    out dx, ax
    mov ecx, 25
    call .set
    mov edx, VGA_GRAPHICS
    mov ecx, 9
    call .set
    INB VGA_STATUS
    xor ecx, ecx
    mov edx, VGA_ATTRIBUTE
.attribute:
    mov al, cl
    out dx, al
    lodsb
    out dx, al
    inc ecx
    cmp ecx, 21
    jb .attribute
    mov al, 0x20                        ; bit 5 of the index: the palette belongs to the display again
    out dx, al
    OUTB 0x3C6, 0xFF                    ; the DAC looks at all eight bits
    popad
    ret
.set:                                   ; ESI = values of registers 0 to ECX - 1, DX = index port
    xor ebx, ebx
.next:
    mov al, bl
    mov ah, [esi]
    out dx, ax
    inc esi
    inc ebx
    cmp ebx, ecx
    jb .next
    ret

    section .data
gfx_mode_13.sequencer:
    db 0x03, 0x01, 0x0F, 0x00, 0x0E     ; 8 dots a character, all planes, chain 4
; CRT controller. Horizontal: 100 characters in all, 80 of them shown, the sync pulse at 84. Vertical: 449 lines, 400 shown, each line of the picture
; twice (maximum scan line 1). Offset 40: 320 bytes a line, in units of 8.
    db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
    db 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF
    db 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF ; graphics controller: 256 colours, A0000h, 64 KiB
    db 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 ; attribute controller: its palette passes everything through
    db 0x41, 0x00, 0x0F, 0x00, 0x00     ; graphics, eight bits
    section .text

; gfx_retrace: waits for the start of the vertical retrace, when the beam returns to the top: 70 times a second.
gfx_retrace:
    pushad
    mov ecx, 1000000                    ; not for ever, should there be no adapter
    mov edx, VGA_STATUS
.in:
    in al, dx
    test al, 8
    loopnz .in
.out:
    in al, dx
    test al, 8
    loopz .out
    popad
    ret

; gfx_palette: 0-254 a circle of colours, black to blue to red to yellow and back; 255 white for the cube.
gfx_palette:
    pushad
    OUTB VGA_PALETTE, 0
    inc edx
    xor ecx, ecx
.colour:
    mov esi, ecx                        ; three sine waves, each a third of the circle behind the other
    call .component
    lea esi, [ecx + 85]
    call .component
    lea esi, [ecx + 170]
    call .component
    inc ecx
    cmp ecx, CUBE_COLOUR
    jb .colour
    mov al, 63
    out dx, al
    out dx, al
    out dx, al
    popad
    ret
.component:
    and esi, 255
    movsx eax, byte [gfx_sine + esi]
    add eax, 128
    shr eax, 2
    out dx, al
    ret

; gfx_sines: a table of 256 values, 127 * sin(2 pi n / 256), by the x87.
gfx_sines:
    pushad
    xor ecx, ecx
.next:
    mov [gfx_number], ecx
    fild dword [gfx_number]
    fmul qword [gfx_step]
    fsin
    fmul dword [gfx_scale]
    fistp dword [gfx_number]
    mov eax, [gfx_number]
    mov [gfx_sine + ecx], al
    inc ecx
    cmp ecx, 256
    jb .next
    popad
    ret

    section .data
    align 8, db 0
gfx_step: dq 0.02454369260617025967548940143187 ; 2 pi / 256
gfx_scale: dd 127.0
    section .text

; gfx_plasma: colour = (sin(x + t) + sin(y * 2 - t) + sin(x + y + 2 t) + sin(x - y)) / 2 + t, in table steps.
gfx_plasma:
    pushad
    mov edi, gfx_buffer
    xor ebp, ebp                        ; y
.line:
    mov eax, ebp                        ; what depends on the line alone
    add eax, eax
    sub eax, [gfx_frame]
    movzx eax, al
    movsx eax, byte [gfx_sine + eax]
    mov [gfx_number], eax
    xor ecx, ecx                        ; x
.point:
    mov eax, ecx
    add eax, [gfx_frame]
    movzx eax, al
    movsx edx, byte [gfx_sine + eax]
    add edx, [gfx_number]
    lea eax, [ecx + ebp]
    add eax, [gfx_frame]
    add eax, [gfx_frame]
    movzx eax, al
    movsx esi, byte [gfx_sine + eax]
    add edx, esi
    mov eax, ecx
    sub eax, ebp
    movzx eax, al
    movsx esi, byte [gfx_sine + eax]
    add edx, esi
    sar edx, 1
    add edx, [gfx_frame]
    movzx edx, dl
    cmp dl, CUBE_COLOUR
    jne .colour
    dec edx
.colour:
    mov [edi], dl
    inc edi
    inc ecx
    cmp ecx, GFX_WIDTH
    jb .point
    inc ebp
    cmp ebp, GFX_HEIGHT
    jb .line
    popad
    ret

; gfx_cube: turns the eight corners about two axes, projects them, and draws the twelve edges.
gfx_cube:
    pushad
    xor ebp, ebp
.corner:                                ; bits 0 to 2 of the number are the signs of x, y, z
    mov eax, 60
    test ebp, 1
    jz .x
    neg eax
.x:
    mov ebx, 60
    test ebp, 2
    jz .y
    neg ebx
.y:
    mov ecx, 60
    test ebp, 4
    jz .z
    neg ecx
.z:
    mov esi, [gfx_frame]                ; x, z about the y axis
    call .turn
    xchg eax, ebx                       ; y, z about the x axis, more slowly
    mov esi, [gfx_frame]
    shr esi, 1
    add esi, 20
    call .turn
    add ecx, 260                        ; the distance from the eye
    push eax
    imul eax, ebx, 220                  ; x' = x * 220 / z
    cdq
    idiv ecx
    add eax, GFX_WIDTH / 2
    mov [gfx_points + ebp * 8], eax
    pop eax
    imul eax, 220
    cdq
    idiv ecx
    add eax, GFX_HEIGHT / 2
    mov [gfx_points + ebp * 8 + 4], eax
    inc ebp
    cmp ebp, 8
    jb .corner
    mov esi, gfx_edges
.edge:
    movzx ecx, byte [esi]
    movzx edx, byte [esi + 1]
    call gfx_line
    add esi, 2
    cmp esi, gfx_edges_end
    jb .edge
    popad
    ret

.turn:                                  ; (EAX, ECX) by the angle ESI: a' = (a cos - c sin) / 127, c' = (a sin + c cos) / 127
    push edi
    push edx
    push ebx
    and esi, 255
    movsx edx, byte [gfx_sine + esi]
    add esi, 64
    and esi, 255
    movsx edi, byte [gfx_sine + esi]
    mov ebx, eax
    imul ebx, edx
    imul edx, ecx
    imul eax, edi
    imul ecx, edi
    sub eax, edx
    add ecx, ebx
    sar eax, 7
    sar ecx, 7
    pop ebx
    pop edx
    pop edi
    ret

; gfx_line: from corner ECX to corner EDX, after Bresenham: a step along the longer axis each time, and one along the other when the error says so.
gfx_line:
    pushad
    mov eax, [gfx_points + ecx * 8]
    mov ebx, [gfx_points + ecx * 8 + 4]
    mov ecx, [gfx_points + edx * 8]
    mov edx, [gfx_points + edx * 8 + 4]
    mov [gfx_end_x], ecx
    mov [gfx_end_y], edx
    mov esi, 1
    sub ecx, eax
    jns .right
    neg ecx
    neg esi
.right:
    mov edi, 1
    sub edx, ebx
    jns .down
    neg edx
    neg edi
.down:                                  ; ECX, EDX = distances, ESI, EDI = directions
    mov ebp, ecx
    sub ebp, edx                        ; the error
.next:
    cmp eax, GFX_WIDTH
    jae .outside
    cmp ebx, GFX_HEIGHT
    jae .outside
    push ebx
    imul ebx, GFX_WIDTH
    mov byte [gfx_buffer + eax + ebx], CUBE_COLOUR
    pop ebx
.outside:
    cmp eax, [gfx_end_x]
    jne .step
    cmp ebx, [gfx_end_y]
    je .done
.step:
    push ebp
    add ebp, ebp
    mov [gfx_number], ebp
    pop ebp
    neg edx
    cmp [gfx_number], edx
    jle .no_x
    add ebp, edx
    add eax, esi
.no_x:
    neg edx
    cmp [gfx_number], ecx
    jge .next
    add ebp, ecx
    add ebx, edi
    jmp .next
.done:
    popad
    ret

    section .data
gfx_edges: db 0, 1, 2, 3, 4, 5, 6, 7, 0, 2, 1, 3, 4, 6, 5, 7, 0, 4, 1, 5, 2, 6, 3, 7
gfx_edges_end:
    section .bss
    alignb 4
gfx_frames: resd 1
gfx_ends: resd 1                        ; the routine that asks whether a key ends the picture
gfx_frame: resd 1
gfx_number: resd 1
gfx_end_x: resd 1
gfx_end_y: resd 1
gfx_points: resd 16
gfx_sine: resb 256
gfx_buffer: resb GFX_WIDTH * GFX_HEIGHT
    section .text
