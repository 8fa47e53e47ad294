using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>Functions 83h (set a flag later) and 86h (wait) of INT 15h, on the periodic interrupt of the real-time clock.</summary>
internal sealed class WaitServices
{
    private const int RegisterB = 11;
    private const byte PeriodicEnable = 0x40;
    private const byte Busy = 0x83;

    private readonly PcMachine _machine;
    private readonly TimeServices _time;

    public WaitServices(PcMachine machine, TimeServices time)
    {
        _machine = machine;
        _time = time;
    }

    /// <summary>Function 83h.</summary>
    public void SetEvent(ref BiosCall call)
    {
        bool active = (call.Read8(BiosData.WaitActive) & 1) != 0;
        if (call.Al == 1)
        {
            call.Write8(BiosData.WaitActive, 0);
            Enable(call.Read64(BiosData.WaitDeadline) != 0);
            call.Ah = 0;
            call.Carry = false;
            return;
        }

        if (active || call.Al != 0)
        {
            call.Ah = active ? Busy : (byte)0x86;
            call.Carry = true;
            return;
        }

        call.Write32(BiosData.WaitFlagPointer, ((uint)call.Es << 16) | call.Bx);
        call.Write32(BiosData.WaitMicroseconds, ((uint)call.Cx << 16) | call.Dx);
        call.Write8(BiosData.WaitActive, 1);
        Enable(true);
        call.Ah = 0;
        call.Carry = false;
    }

    /// <summary>Function 86h: the ROM waits between the calls.</summary>
    public void Wait(ref BiosCall call)
    {
        ulong now = (ulong)_machine.Clock.Now;
        ulong deadline = call.Read64(BiosData.WaitDeadline);
        if (!call.IsRetry)
        {
            if (deadline != 0)
            {
                call.Ah = Busy;
                call.Carry = true;
                return;
            }

            deadline = now + (1000UL * (((uint)call.Cx << 16) | call.Dx)) + 1;
            call.Write64(BiosData.WaitDeadline, deadline);
            Enable(true);
        }

        if (now < deadline)
        {
            call.Wait();
            return;
        }

        call.Write64(BiosData.WaitDeadline, 0);
        Enable((call.Read8(BiosData.WaitActive) & 1) != 0);
        call.Ah = 0;
        call.Carry = false;
    }

    private void Enable(bool enabled)
    {
        byte b = _time.ReadRegister(RegisterB);
        _time.WriteRegister(RegisterB, (byte)(enabled ? b | PeriodicEnable : b & ~PeriodicEnable));
    }
}
