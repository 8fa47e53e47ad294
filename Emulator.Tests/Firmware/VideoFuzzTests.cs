using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>INT 10h with random registers in random states: no exception, and no call without end.</summary>
internal sealed unsafe class VideoFuzzTests
{
    private static readonly int[] Modes = [3, 7, 4, 6, 0xD, 0x12, 0x13, 0x14F0];

    [TestCase(VgaKind.Standard, 1)]
    [TestCase(VgaKind.Standard, 2)]
    [TestCase(VgaKind.Standard, 3)]
    [TestCase(VgaKind.None, 4)]
    public void Random_calls_end_without_harm(VgaKind kind, int number)
    {
        int seed = number;
        TestContext.Out.WriteLine($"seed {seed}");
        Random random = new(seed);
        VideoGuest guest = new(new PcMachineConfig { RamSize = 16 << 20, Vga = kind });
        byte[] noise = new byte[0x100];
        for (int i = 0; i < 1200; i++)
        {
            int function = random.Next(8) switch { 0 => random.Next(256), < 4 => 0x4F, _ => random.Next(0x1D) };
            int al = random.Next(function == 0x4F || function is 0x10 or 0x11 ? 0x34 : 256);
            int cx = Small(random);
            int dx = Small(random);
            switch (random.Next(20))
            {
                case 0: // the data area and the vectors
                    random.NextBytes(noise);
                    guest.Machine.Memory.WriteBlock((uint)(random.Next(2) == 0 ? 0x440 + random.Next(0x70) : 4 * 0x43), noise.AsSpan(0, random.Next(1, 8)));
                    break;
                case 1: // registers of the adapter
                    guest.Out((ushort)(0x3C0 + random.Next(0x20)), random.Next(256));
                    break;
                case 2:
                    guest.Machine.Ports.Write(0x1CE, 2, (uint)random.Next(11));
                    guest.Machine.Ports.Write(0x1CF, 2, (uint)random.Next(2000));
                    break;
                case 3:
                    guest.Call(0x4F02, 0x100 + random.Next(0xA0) + (random.Next(4) << 14));
                    break;
                case 4:
                    guest.Call(Modes[random.Next(Modes.Length)] & 0xFF);
                    break;
                default:
                    break;
            }

            random.NextBytes(noise);
            guest.WriteBuffer(noise, random.Next(0x8000));
            string call = $"seed {seed}, call {i}: {function:X2}{al:X2} CX={cx:X} DX={dx:X}";
            long before = guest.Machine.Cpu.Retired;
            Assert.DoesNotThrow(
                () => guest.Call((function << 8) | al, Small(random), cx, dx, random.Next(0x10000), random.Next(0x10000), (ushort)(random.Next(6) == 0 ? random.Next(0x10000) : 0x2000)), call);
            Assert.That(guest.Machine.Cpu.Retired - before, Is.LessThan(30_000_000), call);
            guest.Machine.Screen?.Update();
            RepairProgram(guest);
        }
    }

    private static int Small(Random random) => random.Next(3) switch { 0 => random.Next(0x10000), 1 => random.Next(0x100), _ => random.Next(0x20) * 0x101 };

    /// <summary>A call may have written over the program, the vector or the stack.</summary>
    private static void RepairProgram(VideoGuest guest)
    {
        guest.Machine.Memory.WriteBlock(0x7C00, [0xCD, 0x10, 0xEB, 0xFE]);
        guest.Machine.Memory.Write(4 * 0x10, 0xC0000048);
        CpuState.R32(guest.Machine.Cpu.State, 4) = 0x7000;
    }
}
