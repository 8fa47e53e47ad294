using Emulator.Core.Cpu;
using Emulator.Devices.Input;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The pointing device interface of the PS/2 BIOS: INT 15h function C2h, and INT 74h, which collects packets and lets the ROM call the handler. Commands
/// go to the mouse itself, not over the wire, so they are complete when the function returns; the mouse keeps what they set.
/// </summary>
internal sealed class MouseServices
{
    private const byte SetScaling11 = 0xE6;
    private const byte SetResolution = 0xE8;
    private const byte StatusRequest = 0xE9;
    private const byte SetSampleRate = 0xF3;
    private const byte Enable = 0xF4;
    private const byte Disable = 0xF5;
    private const byte SetDefaults = 0xF6;

    private const byte BadFunction = 0x01;
    private const byte BadInput = 0x02;
    private const byte NoHandler = 0x05;
    private const byte HasHandler = 0x80;
    private const byte IndexMask = 0x07;

    private readonly PcMachine _machine;

    public MouseServices(PcMachine machine) => _machine = machine;

    /// <summary>Function C2h of INT 15h.</summary>
    public void Run(ref BiosCall call)
    {
        byte status = 0;
        switch (call.Al)
        {
            case 0x00 when call.Bh <= 1:
                status = SetReporting(ref call, call.Bh == 1);
                break;
            case 0x01:
                Stop(ref call);
                Send(SetDefaults);
                call.Bx = 0x00AA; // a standard mouse; self-test passed
                break;
            case 0x02 when call.Bh <= 6:
                ReadOnlySpan<byte> rates = [10, 20, 40, 60, 80, 100, 200];
                Send(SetSampleRate);
                Send(rates[call.Bh]);
                break;
            case 0x03 when call.Bh <= 3:
                Send(SetResolution);
                Send(call.Bh);
                break;
            case 0x04:
                call.Bh = 0;
                break;
            case 0x05 when call.Bh is >= 1 and <= 8:
                Stop(ref call);
                Send(SetDefaults);
                call.Write8(BiosData.MouseFlags2, (byte)((call.Read8(BiosData.MouseFlags2) & ~IndexMask) | (call.Bh - 1)));
                break;
            case 0x06 when call.Bh == 0:
                Send(StatusRequest);
                call.Ebx = (call.Ebx & ~0xFFu) | _machine.Mouse.Take();
                call.Ecx = (call.Ecx & ~0xFFu) | _machine.Mouse.Take();
                call.Edx = (call.Edx & ~0xFFu) | _machine.Mouse.Take();
                break;
            case 0x06 when call.Bh <= 2:
                Send((byte)(SetScaling11 + call.Bh - 1));
                break;
            case 0x07:
                call.Write32(BiosData.MouseHandler, ((uint)call.Es << 16) | call.Bx);
                bool any = call.Es != 0 || call.Bx != 0;
                byte flags = call.Read8(BiosData.MouseFlags2);
                call.Write8(BiosData.MouseFlags2, (byte)(any ? flags | HasHandler : flags & ~HasHandler));
                break;
            case 0x00 or 0x02 or 0x03 or 0x05 or 0x06:
                status = BadInput;
                break;
            default:
                status = BadFunction;
                break;
        }

        call.Ah = status;
        call.Carry = status != 0;
    }

    /// <summary>
    /// INT 74h: a byte of a packet. When one is complete, live CF is set, AX, BX, CX, DX are status, X, Y and Z data, and DI:SI is the handler.
    /// </summary>
    public void Interrupt(ref BiosCall call)
    {
        const ushort Data = 0x60;
        const ushort Status = 0x64;
        const uint FromMouse = 0x21;
        const byte AlwaysSet = 0x08;
        if ((_machine.BiosPorts.Read(Status, 1) & FromMouse) != FromMouse)
        {
            return;
        }

        byte value = (byte)_machine.BiosPorts.Read(Data, 1);
        byte flags2 = call.Read8(BiosData.MouseFlags2);
        if ((flags2 & HasHandler) == 0)
        {
            return;
        }

        int size = (flags2 & IndexMask) + 1;
        int index = call.Read8(BiosData.MouseFlags1) & IndexMask;
        if (index == 0 && size >= 3 && (value & AlwaysSet) == 0)
        {
            return; // not the first byte of a packet
        }

        call.Write8(BiosData.MousePacket + (uint)index, value);
        index++;
        call.Write8(BiosData.MouseFlags1, (byte)((call.Read8(BiosData.MouseFlags1) & ~IndexMask) | (index >= size ? 0 : index)));
        if (index < size)
        {
            return;
        }

        uint handler = call.Read32(BiosData.MouseHandler);
        call.Ax = call.Read8(BiosData.MousePacket);
        call.Bx = call.Read8(BiosData.MousePacket + 1);
        call.Cx = call.Read8(BiosData.MousePacket + 2);
        call.Dx = size > 3 ? call.Read8(BiosData.MousePacket + 3) : (ushort)0;
        call.Si = (ushort)handler;
        call.Di = (ushort)(handler >> 16);
        call.SetLiveCarry(true);
    }

    private byte SetReporting(ref BiosCall call, bool enabled)
    {
        if (enabled && (call.Read8(BiosData.MouseFlags2) & HasHandler) == 0)
        {
            return NoHandler;
        }

        if (!enabled)
        {
            Stop(ref call);
            return 0;
        }

        _machine.KeyboardController.SetAuxiliary(true);
        Send(Enable);
        call.Write8(BiosData.MouseFlags1, 0);
        return 0;
    }

    private void Stop(ref BiosCall call)
    {
        Send(Disable);
        call.Write8(BiosData.MouseFlags1, 0);
    }

    /// <summary>Sends a byte to the mouse and takes everything up to its acknowledgement out of its queue.</summary>
    private void Send(byte value)
    {
        const byte Acknowledge = 0xFA;
        Ps2Mouse mouse = _machine.Mouse;
        mouse.Receive(value);
        while (mouse.HasData && mouse.Take() != Acknowledge)
        {
        }
    }
}
